"""What the imports of shipments and of returns share: keys, reruns, what is malformed, progress and rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    ImportFormat,
    ImportReturns,
    ImportShipments,
    ImportStage,
    OmsError,
    Scope,
)
from tests.core.imports.shipping_desk import Acts, acts_over, json_line

BOUND = ALL_SCOPES - {Scope.ADMIN, Scope.INVENTORY_WRITE}


@pytest.fixture(params=["shipment", "return"])
def acts(request: pytest.FixtureRequest) -> Iterator[Acts]:
    acts = acts_over(request.param, MemoryStorage())
    yield acts
    acts.desk.importer.oms.close()


def test_a_file_has_a_key_for_acts_that_have_none(acts: Acts) -> None:
    text = f"order_id\n{acts.desk.first.id}\n{acts.desk.second.id}\n"
    error = acts.refused(text)
    assert (error.code, error.data) == ("validation_error", {f"{acts.noun}s": 2, "malformed": 2})
    assert acts.desk.importer.told() == [(2, "idempotency_key", "required"), (3, "idempotency_key", "required")]
    assert acts.do(text, idempotency_key="F") == acts.report(2, made=2)
    assert acts.do(text, idempotency_key="F") == acts.report(2, replayed=2)


@pytest.mark.parametrize("column", ["idempotency_key", "reference"])
def test_a_rerun_is_harmless(acts: Acts, column: str) -> None:
    first = acts.desk.first.id
    text = f"order_id,line_no,quantity,{column}\n{first},1,1,X-1\n{first},1,2,X-2\n{first},2,1,X-3\n{first},2,1,X-4\n"
    assert acts.do(text) == acts.report(4, made=4)
    assert acts.done(acts.desk.first) == [[line] for line in ((1, 1), (1, 2), (2, 1), (2, 1))]
    assert acts.do(text) == acts.report(4, replayed=4)
    assert len(acts.done(acts.desk.first)) == 4


def test_a_csv_row_and_a_json_line_of_one_reference_are_one_act(acts: Acts) -> None:
    assert acts.do(f"order_id,reference\n{acts.desk.first.id},R-1\n") == acts.report(1, made=1)
    assert acts.do(json_line(acts.desk.first.id, reference="R-1")) == acts.report(1, replayed=1)


def test_an_order_id_in_another_case_is_the_same_order(acts: Acts) -> None:
    ids = str(acts.desk.first.id).upper(), str(acts.desk.first.id)
    text = f"order_id,line_no,quantity,reference\n{ids[0]},1,2,X-1\n{ids[1]},2,1,X-1\n"
    assert acts.do(text) == acts.report(1, made=1)
    assert acts.done(acts.desk.first) == [[(1, 2), (2, 1)]]
    assert acts.do(text.replace(ids[0], ids[1])) == acts.report(1, replayed=1)


def test_a_key_that_stands_for_something_else_is_refused(acts: Acts) -> None:
    line = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert acts.do(json_line(acts.desk.first.id, "K", **line)) == acts.report(1, made=1)
    assert acts.do(json_line(acts.desk.first.id, "K")) == acts.report(1, refused=1)
    assert acts.desk.importer.told() == [(1, None, "idempotency_key_reused")]


def test_a_malformed_one_stops_all_before_anything_is_done(acts: Acts) -> None:
    text = json_line(acts.desk.first.id, "K1") + json_line("x", "K2") + "x\n"
    error = acts.refused(text)
    assert (error.code, error.data) == ("validation_error", {f"{acts.noun}s": 3, "malformed": 2})
    assert acts.desk.importer.told() == [(2, "order_id", "wrong_type"), (3, None, "malformed_json")]
    assert acts.done(acts.desk.first) == []
    assert acts.do(text, skip_bad=True) == acts.report(3, made=1, refused=2)


def test_rows_of_one_act_must_follow_each_other(acts: Acts) -> None:
    first, second = acts.desk.first.id, acts.desk.second.id
    text = f"order_id,line_no,quantity,reference\n{first},1,1,R-1\n{second},1,1,R-2\n{first},2,1,R-1\n"
    assert acts.do(text, skip_bad=True) == acts.report(3, made=2, refused=1)
    (reject,) = acts.desk.importer.rejects
    assert (reject.line, reject.column, reject.code) == (4, None, f"duplicate_{acts.noun}")
    assert f"line 2 begins a {acts.noun} with the same key" in reject.detail
    assert acts.done(acts.desk.first) == [[(1, 1)]]


def test_rows_of_one_key_that_were_apart_stay_apart_in_the_file_of_rejects(acts: Acts) -> None:
    reasons = f"4,,duplicate_{acts.noun},apart\n"
    first = acts.desk.first.id
    rows = f"{first},K1,1,1,{reasons}{first},K1,2,1,{reasons.replace('4', '6', 1)}"
    text = f"order_id,idempotency_key,line_no,quantity,line,column,code,detail\n{rows}"
    assert acts.do(text, skip_bad=True) == acts.report(2, made=1, refused=1)
    assert acts.done(acts.desk.first) == [[(1, 1)]]


def test_a_row_that_cannot_be_read_spoils_the_one_that_it_may_belong_to(acts: Acts) -> None:
    first = acts.desk.first.id
    text = f'order_id,reference,line_no,quantity\n{first},R,1,1\n{first},"x"y,1,1\n{acts.desk.second.id},R,,\n'
    assert acts.do(text, skip_bad=True) == acts.report(3, refused=3)
    told = [(line, code) for line, _, code in acts.desk.importer.told()]
    assert told == [(2, f"incomplete_{acts.noun}"), (3, "malformed_csv"), (4, f"incomplete_{acts.noun}")]


@pytest.mark.parametrize("text", ["line_no,quantity,reference\n1,1,R\n", "order_id,colour\nx,red\n", ""])
def test_a_header_without_an_order_or_with_what_is_unknown_is_refused(acts: Acts, text: str) -> None:
    assert acts.refused(text, format=ImportFormat.CSV).code == "validation_error"


@pytest.mark.parametrize(
    ("kind", "others"), [(ImportShipments, "disposition"), (ImportReturns, "carrier"), (ImportReturns, "colour")]
)
def test_only_our_own_columns_can_be_mapped(kind: type[ImportShipments | ImportReturns], others: str) -> None:
    with pytest.raises(OmsError, match=others):
        kind(columns={others: "Colour"})


def test_progress_is_told_while_reading_and_while_acting(acts: Acts) -> None:
    acts.do(json_line(acts.desk.first.id, "K1") + "\n" + json_line("x", "K2"), skip_bad=True)
    assert [(told.stage, told.done, told.total) for told in acts.desk.importer.progress] == [
        (ImportStage.READING, 1, None),
        (ImportStage.READING, 2, None),
        (ImportStage.APPLYING, 2, 2),
    ]


def test_empty_rows_are_counted(acts: Acts) -> None:
    text = json_line(acts.desk.first.id, "K1") + "\n\n"
    assert acts.do(text) == acts.report(1, made=1, blank=2)


def test_an_import_needs_the_scope_and_finds_its_own_customers_orders_only(acts: Acts) -> None:
    text = json_line(acts.desk.first.id, "K1")
    reader = Caller(name="x", scopes=frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE}))
    assert acts.refused(text, caller=reader).code == "forbidden"
    assert acts.do(text, caller=Caller(name="C2", scopes=BOUND, customer_id="C2")) == acts.report(1, refused=1)
    assert acts.desk.importer.told() == [(1, None, "order_not_found")]
    assert acts.do(text, caller=Caller(name="C1", scopes=BOUND, customer_id="C1")) == acts.report(1, made=1)
