"""API keys whose COMMIT was lost while a rival acted: made once, and ended once."""

from __future__ import annotations

from datetime import timedelta

from oms_contracts.storage_contract.api_keys import NOW, create, named, rotate
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_core.domain.api_keys import ApiKeyState

MINUTE = timedelta(minutes=1)


class LostApiKeyCommitPromises:
    """Creating, rotating, revoking and using keys, with the answer to the COMMIT lost and a rival at work."""

    def test_a_key_that_a_rival_rotates_since_was_created(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        key, other = lossy_shop.losing(lambda: create(ours), lambda: rotate(rival))
        assert [each.id for each in named(ours)] == [other.id, key.id]

    def test_a_key_that_a_rival_revokes_since_was_rotated_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        first = create(ours)
        second, _ = lossy_shop.losing(
            lambda: rotate(ours), lambda: rival.storage.keys.revoke("shop", by="rival", now=NOW)
        )
        assert [each.id for each in named(ours)] == [second.id, first.id]
        assert {each.state(NOW) for each in named(ours)} == {ApiKeyState.REVOKED}

    def test_a_key_that_a_rival_makes_after_the_name_was_revoked_lasts(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        create(ours)
        _, second = lossy_shop.losing(
            lambda: ours.storage.keys.revoke("shop", by="root", now=NOW), lambda: rotate(rival)
        )
        newest, oldest = named(ours)
        assert (newest.id, newest.revoked_by, oldest.revoked_by) == (second.id, None, "root")

    def test_a_key_that_a_rival_makes_where_all_were_revoked_lasts(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        create(ours)
        ours.storage.keys.revoke("shop", by="root", now=NOW)
        lossy_shop.losing(lambda: ours.storage.keys.revoke("shop", by="root", now=NOW + MINUTE), lambda: rotate(rival))
        assert named(ours)[0].revoked_by is None

    def test_the_later_use_of_a_key_stays(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        key = create(ours)
        lossy_shop.losing(
            lambda: ours.storage.keys.used(key.id, now=NOW, not_since=NOW - MINUTE),
            lambda: rival.storage.keys.used(key.id, now=NOW + MINUTE, not_since=NOW),
        )
        assert named(ours)[0].last_used_at == NOW + MINUTE
