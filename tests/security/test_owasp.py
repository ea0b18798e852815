"""The OWASP table is whole, and the mutations behind it still fit the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.sources import text_of, tree_of
from tests.security.mutation import Mutation
from tests.security.mutations import MUTATIONS
from tests.security.owasp import RISKS, mutations_of

CONTRACT = Path("adapters/oms_contracts/storage_contract")


def test_all_ten_risks_are_there_in_order_each_with_a_defence() -> None:
    assert [risk.id for risk in RISKS] == [f"API{number}:2023" for number in range(1, 11)]
    assert all(risk.title and risk.concerns and risk.defences for risk in RISKS)


def test_every_defence_is_taken_out_by_some_mutation_and_none_is_left_over() -> None:
    used = [each for risk in RISKS for defence in risk.defences for each in mutations_of(defence)]
    assert all(defence.mutations for risk in RISKS for defence in risk.defences)
    assert {each.name for each in used} == {each.name for each in MUTATIONS}
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits_its_source_and_names_tests_that_exist(mutation: Mutation) -> None:
    source = text_of(Path(mutation.file))
    assert source.count(mutation.before) == 1
    ast.parse(source.replace(mutation.before, mutation.after))
    assert mutation.tests
    for test in mutation.tests:
        path, *_, name = test.partition("[")[0].split("::")
        assert name in functions(path), f"{test} is not there"


def functions(path: str) -> set[str]:
    """Name the functions of a file of tests; a contract suite's are those of its mixins."""
    trees = [tree_of(Path(path))]
    if "test_contracts_" in path:
        trees += [tree_of(each) for each in sorted(CONTRACT.glob("*.py"))]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
