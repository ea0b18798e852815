"""The room for large answers: how many, how large together, and whose."""

from __future__ import annotations

import threading

import pytest

from oms_http.server.answer_room import AnswerRoom, AnswerShare, NoRoomError

DEADLINE_SECONDS = 10


def room(*, places: int = 8, bytes_max: int = 100, wait_seconds: float = 0) -> AnswerRoom:
    return AnswerRoom(places=places, bytes_max=bytes_max, wait_seconds=wait_seconds)


def taken(room: AnswerRoom, size: int, owner: str | None = None) -> AnswerShare:
    share = AnswerShare(owner=owner, size=size, room=room)
    room.take(share)
    return share


def test_the_number_is_bounded_and_what_is_given_back_makes_room() -> None:
    full = room(places=2)
    first, _ = taken(full, 1), taken(full, 1)
    with pytest.raises(NoRoomError):
        taken(full, 1)
    full.give_back(first)
    taken(full, 1)


def test_the_sum_is_bounded() -> None:
    full = room()
    first = taken(full, 60)
    with pytest.raises(NoRoomError):
        taken(full, 41)
    second = taken(full, 40)
    full.give_back(first)
    full.give_back(second)
    taken(full, 100)


@pytest.mark.parametrize("owner", [None, "shop"])
def test_a_larger_one_has_room_where_there_is_no_other(owner: str | None) -> None:
    alone = room()
    large = taken(alone, 300, owner)
    with pytest.raises(NoRoomError):
        taken(alone, 1)
    alone.give_back(large)
    taken(alone, 1)
    with pytest.raises(NoRoomError):
        taken(alone, 300, owner)


def test_one_owner_has_half_of_it_and_leaves_the_others_the_rest() -> None:
    shared = room(places=4)
    first, _ = taken(shared, 10, "slow"), taken(shared, 10, "slow")
    with pytest.raises(NoRoomError):
        taken(shared, 1, "slow")
    shared.give_back(first)
    with pytest.raises(NoRoomError):
        taken(shared, 41, "slow")
    taken(shared, 50, "other")
    taken(shared, 1, "third")


def test_who_finds_no_room_waits_for_it() -> None:
    one = room(places=1, wait_seconds=DEADLINE_SECONDS)
    first = taken(one, 1)
    found: list[AnswerShare] = []
    waiting = threading.Thread(target=lambda: found.append(taken(one, 1)), daemon=True)
    waiting.start()
    assert not found
    one.give_back(first)
    waiting.join(DEADLINE_SECONDS)
    assert len(found) == 1
