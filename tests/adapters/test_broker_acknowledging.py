"""Which deliveries are acknowledged together: never one that is not finished, never one twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from oms_rabbitmq.acknowledging import Acknowledgement, Finished


def test_an_unbroken_row_is_one_frame() -> None:
    finished = Finished()
    assert finished.add([1, 2, 3]) == [Acknowledgement(tag=3, multiple=True)]
    assert finished.add([5, 4]) == [Acknowledgement(tag=5, multiple=True)]


def test_what_is_beyond_a_gap_is_acknowledged_one_by_one() -> None:
    finished = Finished()
    assert finished.add([2, 4]) == [Acknowledgement(tag=2, multiple=False), Acknowledgement(tag=4, multiple=False)]
    # 2 was acknowledged before: naming it again would close the channel.
    assert finished.add([1]) == [Acknowledgement(tag=1, multiple=True)]
    assert finished.add([3, 5]) == [Acknowledgement(tag=5, multiple=True)]


def test_what_is_finished_twice_is_acknowledged_once() -> None:
    finished = Finished()
    finished.add([1, 3])
    assert finished.add([1, 3]) == []


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 8)))
def test_the_broker_accepts_every_frame_and_nothing_unfinished_is_acknowledged(
    tags: list[int], sizes: list[int]
) -> None:
    finished, outstanding, done = Finished(), set(tags), set[int]()
    while tags:
        size = sizes.pop() if sizes else 1
        batch, tags = tags[:size], tags[size:]
        done.update(batch)
        for frame in finished.add(batch):
            assert frame.tag in outstanding  # Else the broker closes the channel.
            covered = {tag for tag in outstanding if tag <= frame.tag} if frame.multiple else {frame.tag}
            assert covered <= done
            outstanding -= covered
        assert outstanding.isdisjoint(done)
