"""What `ApiKeyStorage` promises: a name is given once, its keys follow each other, and only digests are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.api_keys import ApiKey, StoredApiKey, digest_of
from oms_core.domain.callers import ALL_SCOPES, Scope
from oms_core.domain.identifiers import uuid7
from oms_core.errors import OmsError

NOW = BEGINNING
HOUR = timedelta(hours=1)
MANY = 500


def new_key(shop: Shop, name: str = "shop", **given: Any) -> StoredApiKey:
    """Make a key of a name, with an id and a digest of its own."""
    fields: dict[str, Any] = {
        "id": uuid7(shop.clock.now(), shop.clock.random_bits(62)),
        "name": name,
        "number": 1,
        "scopes": frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE}),
        "customer_id": None,
        "created_at": shop.clock.now(),
        "created_by": "root",
        "expires_at": None,
    }
    key = ApiKey(**fields | given)
    return StoredApiKey(key=key, digest=digest_of(str(key.id)))


def create(shop: Shop, name: str = "shop", **given: Any) -> ApiKey:
    """Write the first key of a name."""
    stored = new_key(shop, name, **given)
    shop.storage.keys.create(stored)
    return stored.key


def rotate(shop: Shop, name: str = "shop", *, former_end_at: datetime = NOW + HOUR, **given: Any) -> ApiKey:
    """Write a further key of a name."""
    return shop.storage.keys.rotate(new_key(shop, name, **given), former_end_at=former_end_at)


def named(shop: Shop, name: str = "shop") -> list[ApiKey]:
    """List a name's keys, newest first."""
    return shop.storage.keys.of_name(name, limit=MANY)


def refusal(shop: Shop, method: str, *arguments: Any, **given: Any) -> str:
    """Return the code of a call that must be refused."""
    with pytest.raises(OmsError) as caught:
        getattr(shop.storage.keys, method)(*arguments, **given)
    return caught.value.code


class ApiKeyPromises:
    """API keys."""

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"scopes": ALL_SCOPES},
            {"customer_id": "C'1; -- ß😀"},
            {"expires_at": NOW + timedelta(microseconds=1)},
            {"created_by": "Zoë \\ %s ?"},
        ],
        ids=["plain", "all scopes", "customer", "expiry", "actor"],
    )
    def test_a_key_comes_back_as_it_was_written(self, shop: Shop, rival_shop: Shop, given: dict[str, Any]) -> None:
        stored = new_key(shop, **given)
        shop.storage.keys.create(stored)
        assert rival_shop.storage.keys.get(stored.key.id) == stored
        assert named(rival_shop) == [stored.key]

    def test_a_key_that_is_not_there_is_not_found(self, shop: Shop) -> None:
        create(shop)
        assert refusal(shop, "get", UUID(int=7)) == "key_not_found"
        assert refusal(shop, "revoke", "Shop", by="root", now=NOW) == "key_not_found"
        assert refusal(shop, "rotate", new_key(shop, "Shop"), former_end_at=NOW) == "key_not_found"
        assert named(shop, "Shop") == []

    def test_a_name_is_given_once_even_when_its_keys_are_revoked(self, shop: Shop, rival_shop: Shop) -> None:
        first = create(shop)
        assert refusal(rival_shop, "create", new_key(rival_shop)) == "key_name_taken"
        shop.storage.keys.revoke("shop", by="root", now=NOW)
        assert refusal(rival_shop, "create", new_key(rival_shop)) == "key_name_taken"
        assert [key.id for key in named(shop)] == [first.id]

    def test_names_are_told_apart_by_case(self, shop: Shop) -> None:
        assert {create(shop, name).name for name in ("shop", "SHOP", "Shop")} == {"shop", "SHOP", "Shop"}

    def test_a_rotated_key_follows_and_the_former_ones_end(self, shop: Shop, rival_shop: Shop) -> None:
        first = create(shop)
        second = rotate(rival_shop, former_end_at=NOW + 2 * HOUR, number=77)
        assert (second.number, second.expires_at) == (2, None)
        assert named(shop) == [second, replace(first, expires_at=NOW + 2 * HOUR)]
        third = rotate(shop, former_end_at=NOW + HOUR)
        assert [(key.number, key.expires_at) for key in named(shop)] == [
            (3, None),
            (2, NOW + HOUR),
            (1, NOW + HOUR),
        ]
        assert shop.storage.keys.get(third.id).key == third

    def test_a_key_that_ends_sooner_is_not_prolonged(self, shop: Shop) -> None:
        create(shop, expires_at=NOW + HOUR)
        rotate(shop, former_end_at=NOW + 2 * HOUR)
        assert [key.expires_at for key in named(shop)] == [None, NOW + HOUR]

    def test_other_names_keep_their_keys(self, shop: Shop) -> None:
        create(shop)
        other = create(shop, "other")
        rotate(shop)
        shop.storage.keys.revoke("shop", by="root", now=NOW)
        assert named(shop, "other") == [other]

    def test_revoking_ends_every_key_of_the_name_and_says_who_did_so(self, shop: Shop, rival_shop: Shop) -> None:
        create(shop)
        rotate(shop)
        rival_shop.storage.keys.revoke("shop", by="Zoë", now=NOW)
        assert {(key.revoked_at, key.revoked_by) for key in named(shop)} == {(NOW, "Zoë")}

    def test_revoking_again_changes_nothing(self, shop: Shop) -> None:
        create(shop)
        shop.storage.keys.revoke("shop", by="first", now=NOW)
        before = named(shop)
        shop.storage.keys.revoke("shop", by="second", now=NOW + HOUR)
        assert named(shop) == before

    def test_after_a_revocation_a_fresh_key_can_follow(self, shop: Shop) -> None:
        create(shop)
        shop.storage.keys.revoke("shop", by="root", now=NOW)
        fresh = rotate(shop)
        assert [(key.number, key.revoked_by, key.expires_at) for key in named(shop)] == [
            (2, None, None),
            (1, "root", None),
        ]
        assert fresh.revoked_at is None

    def test_a_key_whose_id_is_taken_is_written_nowhere_and_ends_nothing(self, shop: Shop) -> None:
        first = create(shop)
        with pytest.raises(OmsError) as caught:
            rotate(shop, id=first.id)
        assert caught.value.code == "internal_error"
        assert named(shop) == [first]

    def test_keys_are_listed_by_name_and_number(self, shop: Shop) -> None:
        for name in ("b", "a", "B"):
            create(shop, name)
        rotate(shop, "a")
        places = [("B", 1), ("a", 1), ("a", 2), ("b", 1)]
        assert [(key.name, key.number) for key in shop.storage.keys.find(after=None, limit=MANY)] == places
        for index, place in enumerate(places):
            found = shop.storage.keys.find(after=place, limit=2)
            assert [(key.name, key.number) for key in found] == places[index + 1 : index + 3]
        assert [key.number for key in shop.storage.keys.of_name("a", limit=1)] == [2]

    def test_a_use_is_noted_once_in_a_while(self, shop: Shop, rival_shop: Shop) -> None:
        key = create(shop)
        shop.storage.keys.used(key.id, now=NOW, not_since=NOW - HOUR)
        rival_shop.storage.keys.used(key.id, now=NOW + HOUR / 2, not_since=NOW - timedelta(microseconds=1))
        assert named(shop) == [replace(key, last_used_at=NOW)]
        shop.storage.keys.used(key.id, now=NOW + HOUR, not_since=NOW)
        assert named(shop) == [replace(key, last_used_at=NOW + HOUR)]
        shop.storage.keys.used(UUID(int=7), now=NOW, not_since=NOW)
