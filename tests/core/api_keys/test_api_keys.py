"""API keys: what may be asked for, what a presented text says, and what becomes of a name's keys."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from oms_contracts.clock import TickingClock
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    ApiKey,
    ApiKeyState,
    Caller,
    CreateApiKey,
    IssuedApiKey,
    Oms,
    OmsError,
    Ports,
    RotateApiKey,
    Scope,
    Settings,
)
from oms_core.domain.api_keys import digest_of, parse_token, token_of

ROOT = Caller(name="root", scopes=ALL_SCOPES)
READ = frozenset({Scope.ORDERS_READ})
NOW = datetime(2026, 11, 22, 21, tzinfo=UTC)
DAY = timedelta(days=1)
ID = UUID("019ab4c57d307a319c1e0b7f6f3f4a10")
SECRET = "0123456789abcdef" * 4
TOKEN = f"oms_{ID.hex}_{SECRET}"


@pytest.fixture
def oms() -> Oms:
    clock = TickingClock(beginning=NOW)
    return Oms(settings=Settings(), ports=Ports(storage=MemoryStorage(), clock=clock))


def create(oms: Oms, name: str = "shop", **given: Any) -> IssuedApiKey:
    return oms.api_keys.create(CreateApiKey(**{"name": name, "scopes": READ} | given), caller=ROOT)


def rotate(oms: Oms, name: str = "shop", **given: Any) -> IssuedApiKey:
    return oms.api_keys.rotate(RotateApiKey(name=name, **given), caller=ROOT)


def refusal(work: Callable[..., object], *arguments: Any, **given: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work(*arguments, **given)
    return caught.value


def findings(error: OmsError) -> list[tuple[str, str]]:
    assert error.code == "validation_error"
    return [(found.pointer, found.code) for found in error.errors]


@pytest.mark.parametrize("name", ["a", "0", "shop-1.test_2@example.org", "x" * 64])
def test_a_key_may_have_such_a_name(oms: Oms, name: str) -> None:
    assert create(oms, name).key.name == name


@pytest.mark.parametrize(
    "name", ["", "x" * 65, "-a", ".a", "@a", "a b", "a/b", "ä", "a\n", "\na", "a\x00", "\uff11", None, 5]
)
def test_a_key_may_not_have_such_a_name(name: object) -> None:
    wanted: Any = name
    assert ("/name", "bad_name" if isinstance(name, str) else "wrong_type") in findings(
        refusal(CreateApiKey, name=wanted, scopes=READ)
    )
    assert findings(refusal(RotateApiKey, name=wanted))[0][0] == "/name"


@pytest.mark.parametrize("name", ["local", "worker", "commands", "Local", "WORKER"])
def test_names_of_those_who_act_without_a_key_are_taken(oms: Oms, name: str) -> None:
    assert refusal(create, oms, name).code == "key_name_taken"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"scopes": ()}, ("/scopes", "too_few")),
        ({"scopes": "admin"}, ("/scopes", "unknown_scope")),
        ({"scopes": ["orders:read"]}, ("/scopes", "unknown_scope")),
        ({"scopes": None}, ("/scopes", "unknown_scope")),
        ({"customer_id": "C1", "scopes": [Scope.ADMIN]}, ("/scopes", "not_for_customer")),
        ({"customer_id": "C1", "scopes": sorted(ALL_SCOPES)}, ("/scopes", "not_for_customer")),
        ({"customer_id": "C1", "scopes": [Scope.INVENTORY_WRITE]}, ("/scopes", "not_for_customer")),
        ({"customer_id": ""}, ("/customer_id", "wrong_length")),
        ({"customer_id": "a\x00"}, ("/customer_id", "bad_character")),
        ({"expires_at": "tomorrow"}, ("/expires_at", "wrong_type")),
        ({"expires_at": datetime(2027, 1, 1)}, ("/expires_at", "bad_time")),  # noqa: DTZ001  That is what is wrong.
    ],
    ids=str,
)
def test_a_wrong_key_is_refused_with_where_it_is_wrong(given: dict[str, Any], found: tuple[str, str]) -> None:
    assert findings(refusal(CreateApiKey, **{"name": "shop", "scopes": READ} | given)) == [found]


def test_a_customers_key_may_manage_its_orders(oms: Oms) -> None:
    scopes = {Scope.ORDERS_MANAGE, Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.INVENTORY_READ}
    assert create(oms, scopes=scopes, customer_id="C1").key.scopes == scopes


@pytest.mark.parametrize("expires_at", [NOW - DAY, NOW, NOW + timedelta(days=40_000)])
def test_a_key_expires_ahead_and_not_too_far(oms: Oms, expires_at: datetime) -> None:
    assert findings(refusal(create, oms, expires_at=expires_at)) == [("/expires_at", "out_of_range")]
    create(oms)
    assert findings(refusal(rotate, oms, expires_at=expires_at)) == [("/expires_at", "out_of_range")]
    assert len(oms.api_keys.get("shop", caller=ROOT)) == 1


@pytest.mark.parametrize("seconds", [-1, 90 * 86_400 + 1, 1.5, True, None])
def test_an_overlap_has_bounds(seconds: Any) -> None:
    assert findings(refusal(RotateApiKey, name="shop", overlap_seconds=seconds))[0][0] == "/overlap_seconds"


def test_a_key_tells_who_made_it_and_when(oms: Oms) -> None:
    issued = create(oms, customer_id="C1", expires_at=NOW + DAY)
    (key,) = oms.api_keys.get("shop", caller=ROOT)
    assert issued.key == key
    assert (key.number, key.created_by, key.customer_id, key.expires_at) == (1, "root", "C1", NOW + DAY)
    assert NOW <= key.created_at < NOW + DAY


def test_a_name_is_given_once(oms: Oms) -> None:
    create(oms)
    assert refusal(create, oms).code == "key_name_taken"
    oms.api_keys.revoke("shop", caller=ROOT)
    assert refusal(create, oms, scopes=ALL_SCOPES).code == "key_name_taken"


def test_only_the_digest_of_a_secret_is_kept_and_nothing_shows_it(oms: Oms) -> None:
    issued = create(oms)
    secret = issued.token.rpartition("_")[2]
    stored = oms._ports.storage.keys.get(issued.key.id)
    assert stored.digest == digest_of(secret)
    presented = parse_token(issued.token)
    for shown in (repr(issued), repr(stored), repr(presented), str(issued), pickle.dumps(stored).decode("latin-1")):
        assert secret not in shown
    assert stored.digest.hex() not in repr(stored)
    assert re.fullmatch(r"oms_[0-9a-f]{32}_[0-9a-f]{64}", issued.token)


def test_secrets_and_ids_differ(oms: Oms) -> None:
    tokens = {create(oms, f"shop-{number}").token for number in range(50)}
    assert len({token.rpartition("_")[2] for token in tokens}) == len({token.split("_")[1] for token in tokens}) == 50


def test_a_further_key_is_like_the_one_before_and_lives_as_long(oms: Oms) -> None:
    first = create(oms, scopes={Scope.ORDERS_WRITE}, customer_id="C1", expires_at=NOW + 90 * DAY).key
    second = rotate(oms).key
    assert (second.name, second.scopes, second.customer_id) == (first.name, first.scopes, first.customer_id)
    assert second.lifetime == first.lifetime
    assert (second.number, second.id == first.id) == (2, False)
    third = rotate(oms, expires_at=NOW + 5 * DAY).key
    assert (third.number, third.expires_at) == (3, NOW + 5 * DAY)
    assert rotate(oms).key.lifetime == third.lifetime


def test_the_former_keys_end_after_the_overlap(oms: Oms) -> None:
    create(oms)
    latest = rotate(oms).key
    former = oms.api_keys.get("shop", caller=ROOT)[1]
    assert former.expires_at == latest.created_at + DAY
    latest = rotate(oms, overlap_seconds=0).key
    states = [key.state(latest.created_at) for key in oms.api_keys.get("shop", caller=ROOT)]
    assert states == [ApiKeyState.ACTIVE, ApiKeyState.EXPIRED, ApiKeyState.EXPIRED]


def test_revoking_ends_all_keys_of_a_name_and_a_fresh_one_can_follow(oms: Oms) -> None:
    create(oms)
    rotate(oms)
    keys = oms.api_keys.revoke("shop", caller=Caller(name="guard", scopes=ALL_SCOPES))
    assert keys == oms.api_keys.get("shop", caller=ROOT)
    assert [(key.state(NOW), key.revoked_by) for key in keys] == [(ApiKeyState.REVOKED, "guard")] * 2
    assert rotate(oms).key.state(NOW + DAY) is ApiKeyState.ACTIVE
    assert [key.state(NOW) for key in oms.api_keys.get("shop", caller=ROOT)[1:]] == [ApiKeyState.REVOKED] * 2


@pytest.mark.parametrize("name", ["nobody", "SHOP", "", "a/b", "x" * 1_000, "a\x00"])
def test_a_name_without_keys_is_not_found(oms: Oms, name: str) -> None:
    create(oms)
    assert refusal(oms.api_keys.get, name, caller=ROOT).code == "key_not_found"
    assert refusal(oms.api_keys.revoke, name, caller=ROOT).code == "key_not_found"


def test_a_name_without_keys_cannot_be_rotated(oms: Oms) -> None:
    assert refusal(rotate, oms, "nobody").code == "key_not_found"


def test_keys_are_listed_page_by_page(oms: Oms) -> None:
    for name in ("b", "a", "c"):
        create(oms, name)
    rotate(oms, "a")
    assert [(key.name, key.number) for key in oms.api_keys.list(caller=ROOT).items] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]
    found, cursor = [], None
    while True:
        page = oms.api_keys.list(caller=ROOT, cursor=cursor, limit=1)
        found += page.items
        if (cursor := page.next) is None:
            break
    assert tuple(found) == oms.api_keys.list(caller=ROOT).items


@pytest.mark.parametrize(
    "cursor", ["", "x", "a2V5czox", "a2V5czox OmE", "b3JkZXJzOjE6YQ", "a2V5czoxOmEvYg", "a2V5czp4OmE"]
)
def test_a_cursor_of_another_list_is_refused(oms: Oms, cursor: str) -> None:
    assert findings(refusal(oms.api_keys.list, caller=ROOT, cursor=cursor)) == [("/cursor", "bad_cursor")]


def test_no_key_is_there_at_first(oms: Oms) -> None:
    assert not oms.api_keys.any()
    create(oms)
    assert oms.api_keys.any()


def test_a_presented_key_is_read() -> None:
    presented = parse_token(TOKEN)
    assert presented is not None
    assert presented.id == ID
    assert token_of(ID, SECRET) == TOKEN


@pytest.mark.parametrize(
    "token",
    [
        "",
        "oms_",
        "x" * 101,
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN + "\n",
        TOKEN.upper(),
        TOKEN.replace("oms_", "OMS_"),
        TOKEN.replace("oms_", "oms-"),
        TOKEN[:-1] + "g",
        TOKEN[:-1] + "A",
        TOKEN[:-1] + "٣",
        TOKEN[:-2] + "_0",
        TOKEN[:4] + "+" + TOKEN[5:],
        TOKEN[:4] + " " + TOKEN[5:],
        TOKEN[:36] + "-" + TOKEN[37:],
        " " + TOKEN[:-1],
        TOKEN * 10_000,
    ],
    ids=lambda token: ascii(token[:12] + "..." + token[-4:]),
)
def test_any_other_text_is_no_key(token: str) -> None:
    assert parse_token(token) is None


def test_a_secret_opens_its_own_key_only(oms: Oms) -> None:
    one, other = (oms._ports.storage.keys.get(create(oms, name).key.id) for name in ("one", "other"))
    issued = create(oms, "third")
    presented = parse_token(issued.token)
    assert presented is not None
    assert not presented.opens(one)
    assert not presented.opens(None)
    assert not presented.opens(replace(other, digest=bytes(32)))
    assert presented.opens(replace(other, digest=digest_of(issued.token.rpartition("_")[2])))


def test_a_key_has_a_state_at_any_time() -> None:
    key = ApiKey(
        id=ID,
        name="shop",
        number=1,
        scopes=READ,
        customer_id=None,
        created_at=NOW,
        created_by="root",
        expires_at=NOW + DAY,
    )
    assert key.state(NOW + DAY - timedelta(microseconds=1)) is ApiKeyState.ACTIVE
    assert key.state(NOW + DAY) is ApiKeyState.EXPIRED
    assert replace(key, revoked_at=NOW, revoked_by="root").state(NOW + DAY) is ApiKeyState.REVOKED
    assert replace(key, expires_at=None).state(NOW + 10_000 * DAY) is ApiKeyState.ACTIVE
