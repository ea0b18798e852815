"""API keys made and ended at once: a name is given to one, and of its keys the last one lasts."""

from __future__ import annotations

from collections import Counter
from functools import partial

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.api_keys import NOW, create, named, rotate
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buyers
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.api_keys import ApiKeyState


class ApiKeyRacePromises:
    """Races over API keys."""

    def test_of_sixteen_creators_of_a_name_one_gets_it(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            name = f"name-{number}"
            works = [partial(attempt, partial(create, hand, name)) for hand in buyers(shop, rival_shop)]
            assert Counter(run_together(works)) == {"done": 1, "key_name_taken": THREADS - 1}
            assert len(named(shop, name)) == 1

    def test_sixteen_rotations_at_once_leave_one_key_that_lasts(self, shop: Shop, rival_shop: Shop) -> None:
        create(shop)
        run_together([partial(rotate, hand, former_end_at=NOW) for hand in buyers(shop, rival_shop)])
        keys = named(shop)
        assert [key.number for key in keys] == list(range(THREADS + 1, 0, -1))
        assert [key.state(NOW) for key in keys] == [ApiKeyState.ACTIVE, *[ApiKeyState.EXPIRED] * THREADS]
