"""A COMMIT of an API key whose answer never came: no key is made twice, and whoever asked is told where that stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oms_core import ALL_SCOPES, Caller, CreateApiKey, IssuedApiKey, Oms, RotateApiKey, Settings
from oms_core.domain.api_keys import ApiKeyState
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.faults.test_lost_commits import unknown

ROOT = Caller(name="root", scopes=ALL_SCOPES)
BOTH = pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[CommitProxy]:
    proxy = CommitProxy(postgresql_url)
    yield proxy
    proxy.close()
    assert proxy.losses, "nothing was lost, so nothing was tested"


@pytest.fixture
def oms(proxy: CommitProxy) -> Iterator[Oms]:
    with Oms.open(Settings(database_url=proxy.url)) as oms:
        oms.schema.upgrade()
        yield oms


@pytest.fixture
def impatient_oms(proxy: CommitProxy, oms: Oms) -> Iterator[Oms]:
    """The same system in hands that give up after a second."""
    with Oms.open(Settings(database_url=proxy.url, storage_deadline_seconds=1)) as impatient:
        yield impatient


def create(oms: Oms) -> IssuedApiKey:
    return oms.api_keys.create(CreateApiKey(name="shop", scopes=ALL_SCOPES), caller=ROOT)


def rotate(oms: Oms) -> IssuedApiKey:
    return oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT)


def numbers(oms: Oms) -> list[int]:
    return [key.number for key in oms.api_keys.get("shop", caller=ROOT)]


@BOTH
def test_a_key_is_created_once_and_opens(oms: Oms, proxy: CommitProxy, fate: Fate) -> None:
    proxy.lose_next(fate)
    issued = create(oms)
    assert oms.authenticate(issued.token).name == "shop"
    assert numbers(oms) == [1]


@BOTH
def test_a_key_is_rotated_once_and_both_open_for_the_overlap(oms: Oms, proxy: CommitProxy, fate: Fate) -> None:
    first = create(oms)
    proxy.lose_next(fate)
    second = rotate(oms)
    assert [oms.authenticate(issued.token).name for issued in (first, second)] == ["shop", "shop"]
    assert numbers(oms) == [2, 1]


@BOTH
def test_keys_are_revoked_once(oms: Oms, proxy: CommitProxy, fate: Fate) -> None:
    create(oms)
    proxy.lose_next(fate)
    (key,) = oms.api_keys.revoke("shop", caller=ROOT)
    assert (key.revoked_by, key.state(key.created_at)) == ("root", ApiKeyState.REVOKED)
    assert oms.api_keys.get("shop", caller=ROOT) == [key]


@BOTH
def test_whoever_creates_a_key_is_told_which_name_to_look_up(
    oms: Oms, impatient_oms: Oms, proxy: CommitProxy, fate: Fate
) -> None:
    proxy.lose_next(fate, then_go_down=True)
    assert unknown(lambda: create(impatient_oms)).data == {"name": "shop"}
    proxy.come_up()
    named = [key.name for key in oms.api_keys.list(caller=ROOT).items]
    assert named == {Fate.ANSWER: ["shop"], Fate.COMMIT: []}[fate]


@BOTH
def test_whoever_rotates_a_key_is_told_and_may_do_so_again(
    oms: Oms, impatient_oms: Oms, proxy: CommitProxy, fate: Fate
) -> None:
    create(oms)
    proxy.lose_next(fate, then_go_down=True)
    assert unknown(lambda: rotate(impatient_oms)).data == {"name": "shop"}
    proxy.come_up()
    issued = rotate(oms)
    assert oms.authenticate(issued.token).name == "shop"
    assert numbers(oms) == {Fate.ANSWER: [3, 2, 1], Fate.COMMIT: [2, 1]}[fate]


@BOTH
def test_whoever_revokes_keys_is_told_and_may_do_so_again(
    oms: Oms, impatient_oms: Oms, proxy: CommitProxy, fate: Fate
) -> None:
    create(oms)
    proxy.lose_next(fate, then_go_down=True)
    assert unknown(lambda: impatient_oms.api_keys.revoke("shop", caller=ROOT)).data == {"name": "shop"}
    proxy.come_up()
    (key,) = oms.api_keys.revoke("shop", caller=ROOT)
    assert key.revoked_by == "root"
