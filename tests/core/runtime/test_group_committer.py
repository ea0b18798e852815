"""Group commit: what has gathered shares a commit; nobody waits for a timer, is forgotten, or hears another."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from oms_contracts.concurrency import run_together

from oms_core import ErrorKind, OmsError
from oms_core.runtime.group_committer import GroupCommitter
from tests.services import wait_until

DEADLINE_SECONDS = 30.0


class Commits:
    """A commit that doubles each item, keeps its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.release()
        assert self.may_go_on.wait(DEADLINE_SECONDS)
        if -1 in items:
            raise OmsError("storage_unavailable", "on purpose")
        return [item * 2 for item in items]

    def hold(self, committer: GroupCommitter[int, int], item: int = 0) -> threading.Thread:
        """Let an item into the commit, and hold it there until `may_go_on`."""
        self.may_go_on.clear()
        thread = threading.Thread(target=committer.submit, args=(item,))
        thread.start()
        assert self.begun.acquire(timeout=DEADLINE_SECONDS)
        return thread


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
def committer(commits: Commits) -> Iterator[GroupCommitter[int, int]]:
    committer = GroupCommitter(commits, batch_max=5, waiting_max=10)
    yield committer
    commits.may_go_on.set()
    committer.close()


def gather(committer: GroupCommitter[int, int], items: Sequence[int]) -> list[threading.Thread]:
    """Hand items in from a thread each, one after the other."""
    threads = []
    for item in items:
        threads.append(threading.Thread(target=attempt, args=(committer, item)))
        start_and_hand_in(threads[-1], committer)
    return threads


def start_and_hand_in(thread: threading.Thread, committer: GroupCommitter[int, int]) -> None:
    waiting = len(committer._waiting)
    thread.start()
    wait_until(lambda: len(committer._waiting) > waiting, DEADLINE_SECONDS, "item handed in")


def attempt(committer: GroupCommitter[int, int], item: int) -> int | str:
    try:
        return committer.submit(item)
    except OmsError as error:
        return error.code


def test_a_single_item_is_committed_at_once_and_alone(committer: GroupCommitter[int, int], commits: Commits) -> None:
    assert [committer.submit(item) for item in (1, 2)] == [2, 4]
    assert commits.batches == [[1], [2]]


def test_what_gathers_during_a_commit_shares_the_next_in_order_up_to_the_bound(
    committer: GroupCommitter[int, int], commits: Commits
) -> None:
    held = commits.hold(committer)
    threads = gather(committer, range(1, 8))
    commits.may_go_on.set()
    for thread in [held, *threads]:
        thread.join(DEADLINE_SECONDS)
    assert commits.batches == [[0], [1, 2, 3, 4, 5], [6, 7]]


def test_each_of_many_threads_hears_its_own_outcome(committer: GroupCommitter[int, int]) -> None:
    def submit_often(item: int) -> list[int]:
        return [committer.submit(item) for _ in range(50)]

    works = [partial(submit_often, item) for item in range(10)]
    assert run_together(works) == [[item * 2] * 50 for item in range(10)]


def test_past_the_bound_an_item_is_refused_and_those_in_the_commit_count(
    committer: GroupCommitter[int, int], commits: Commits
) -> None:
    held = commits.hold(committer)
    threads = gather(committer, range(1, 10))
    with pytest.raises(OmsError) as caught:
        committer.submit(10)
    assert (caught.value.code, caught.value.kind) == ("overloaded", ErrorKind.UNAVAILABLE)
    assert caught.value.retry_after_seconds == 1
    commits.may_go_on.set()
    for thread in [held, *threads]:
        thread.join(DEADLINE_SECONDS)
    assert committer.submit(11) == 22


def test_an_error_reaches_everybody_of_its_batch_and_nobody_else(
    committer: GroupCommitter[int, int], commits: Commits
) -> None:
    held = commits.hold(committer)
    results: dict[int, int | str] = {}

    def hand_in(item: int) -> None:
        results[item] = attempt(committer, item)

    threads = [threading.Thread(target=hand_in, args=(item,)) for item in (-1, 1, 2)]
    for thread in threads:
        start_and_hand_in(thread, committer)
    commits.may_go_on.set()
    for thread in [held, *threads]:
        thread.join(DEADLINE_SECONDS)
    assert results == dict.fromkeys((-1, 1, 2), "storage_unavailable")
    assert committer.submit(3) == 6


def test_a_commit_that_gives_too_few_outcomes_is_an_error_for_all() -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(lambda _: [], batch_max=5, waiting_max=None)
    with pytest.raises(ValueError, match="shorter"):
        committer.submit(1)
    committer.close()


def test_closing_commits_what_has_gathered_and_refuses_what_comes_later(
    committer: GroupCommitter[int, int], commits: Commits
) -> None:
    of_others = set(threading.enumerate())
    held = commits.hold(committer)
    threads = gather(committer, range(1, 8))
    closing = threading.Thread(target=committer.close)
    closing.start()
    wait_until(lambda: committer._closed, DEADLINE_SECONDS, "closing begun")
    with pytest.raises(OmsError, match="stopping"):
        committer.submit(8)
    commits.may_go_on.set()
    for thread in [held, *threads, closing]:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
    assert [item for batch in commits.batches for item in batch] == list(range(8))
    assert not [left for left in set(threading.enumerate()) - of_others if left.name == "oms-group-committer"]


def test_closing_twice_or_unused_is_fine() -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(Commits(), batch_max=5, waiting_max=None)
    committer.close()
    committer.close()


def submit_in_child(committer: GroupCommitter[int, int], commits: Commits) -> None:
    commits.may_go_on.set()
    works = [partial(committer.submit, item) for item in range(16)]
    if run_together(works) != [item * 2 for item in range(16)]:
        sys.exit("an item was answered wrongly")
    committer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_committer_of_its_own(commits: Commits) -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(commits, batch_max=5, waiting_max=16)
    held = commits.hold(committer)
    threads = gather(committer, [1, 2])
    child = multiprocessing.get_context("fork").Process(target=submit_in_child, args=(committer, commits))
    child.start()
    child.join(DEADLINE_SECONDS)
    assert child.exitcode == 0
    commits.may_go_on.set()
    for thread in [held, *threads]:
        thread.join(DEADLINE_SECONDS)
    assert commits.batches == [[0], [1, 2]]
    committer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_may_close_what_it_never_used_while_the_parents_lock_is_held(commits: Commits) -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(commits, batch_max=5, waiting_max=16)
    committer.submit(1)
    with committer._changed:
        child = multiprocessing.get_context("fork").Process(target=committer.close)
        child.start()
        child.join(DEADLINE_SECONDS)
    assert child.exitcode == 0
    assert committer.submit(2) == 4
    committer.close()


def test_who_has_waited_long_enough_for_the_commits_before_is_given_back_and_not_committed(commits: Commits) -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(commits, batch_max=5, waiting_max=10, waiting_seconds_max=0.05)
    holder = commits.hold(committer)
    with pytest.raises(OmsError) as caught:
        committer.submit(7)
    assert (caught.value.code, caught.value.retry_after_seconds) == ("storage_unavailable", 1)
    commits.may_go_on.set()
    holder.join(DEADLINE_SECONDS)
    assert committer.submit(8) == 16
    committer.close()
    assert commits.batches == [[0], [8]]


def test_who_was_taken_by_a_commit_hears_what_becomes_of_it_however_long_that_takes(commits: Commits) -> None:
    committer: GroupCommitter[int, int] = GroupCommitter(commits, batch_max=5, waiting_max=10, waiting_seconds_max=0.2)
    outcomes: list[int] = []
    commits.may_go_on.clear()
    taken = threading.Thread(target=lambda: outcomes.append(committer.submit(3)))
    taken.start()
    assert commits.begun.acquire(timeout=DEADLINE_SECONDS)
    with pytest.raises(OmsError, match="took too long"):
        committer.submit(7)  # Came later, and has waited long enough: so has the other.
    assert taken.is_alive()
    commits.may_go_on.set()
    taken.join(DEADLINE_SECONDS)
    assert outcomes == [6]
    committer.close()
