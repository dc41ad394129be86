"""Updates from any known version, under any limits, lead to the list of a client that begins anew."""

import hashlib
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.features.safe_browsing import rice, versions
from server.features.safe_browsing.api import _list
from server.features.safe_browsing.messages import protobuf
from server.features.safe_browsing.rice import CodedNumbers
from server.features.safe_browsing.versions import HashVersions, SizeLimits
from tests.safe_browsing_client import LocalList

NAME = "a list"


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same numbers in each run


def _apply(local: LocalList, listed: HashVersions, limits: SizeLimits = SizeLimits()) -> LocalList:  # noqa: B008
    local.apply(protobuf(_list("public-4b", listed.update(local.version, limits))))
    return local


def _entries(listed: HashVersions) -> list[int]:
    return _apply(LocalList(), listed).prefixes


def _following(listed: HashVersions, dice: random.Random, changes: int) -> HashVersions:
    """Return a next version with random additions and removals."""
    before = set(_entries(listed))
    added = {dice.randrange(2**32) for _ in range(changes)} - before
    gone = set(dice.sample(sorted(before), min(len(before), changes // 2)))
    following = listed.changed(added, gone)
    assert _entries(following) == sorted(before - gone | added)
    return following


def _ten(dice: random.Random, size: int = 5_000, changes: int = 40) -> list[HashVersions]:
    made = [HashVersions(NAME, sorted({dice.randrange(2**32) for _ in range(size)}))]
    while len(made) < 10:
        made.append(_following(made[-1], dice, changes))
    return made


def test_update_from_each_of_ten_versions_equals_the_whole_list() -> None:
    ten = _ten(_dice(5))
    whole = _entries(ten[-1])
    for listed in ten:
        local = _apply(LocalList(), listed)
        assert not local.was_partial
        assert _apply(local, ten[-1]).prefixes == whole
        assert local.was_partial
        assert local.version == ten[-1].update(b"").version
        # A client that is up to date gets neither changes nor a checksum.
        assert ten[-1].update(local.version) == (local.version, True, None, None, None, False)


def test_lists_that_become_empty_and_full_again() -> None:
    listed = HashVersions(NAME)
    local = _apply(LocalList(), listed)
    assert (local.prefixes, local.was_partial) == ([], False)
    for added, removed in (({7, 0, 2**32 - 1}, ()), ((), {0, 7, 2**32 - 1}), ({0}, ()), ({1}, {0})):
        listed = listed.changed(added, removed)
        assert _apply(local, listed).prefixes == _entries(listed)
        assert local.was_partial


def test_a_list_that_is_as_before_has_the_same_version() -> None:
    first = HashVersions(NAME, [1, 2, 3])
    again = first.changed({9}, {2}).changed({2}, {9})
    assert again.update(b"").version == first.update(b"").version
    assert again.update(first.update(b"").version).additions is None
    assert HashVersions(NAME, [1, 2, 3]).update(b"").version == first.update(b"").version


@pytest.mark.parametrize(
    "version", [b"", b"x", bytes(32), HashVersions(NAME, [99]).update(b"").version, b"\xff" * 32, bytes(10_000)]
)
def test_unknown_versions_get_the_whole_list(version: bytes) -> None:
    update = HashVersions(NAME, [1, 2, 3]).update(version)
    assert not update.partial
    assert update.additions is not None


def test_a_version_of_another_list_gets_the_whole_list() -> None:
    of_other = HashVersions("another", [1, 2, 3]).update(b"").version
    listed = HashVersions(NAME, [1, 2, 3])
    assert not listed.is_of(of_other)
    assert not listed.update(of_other).partial


def test_forgotten_versions_get_the_whole_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_MOST_STEPS", 3)
    ten = _ten(_dice(6), size=100)
    are_partial = [_apply(_apply(LocalList(), listed), ten[-1]).was_partial for listed in ten]
    assert are_partial == [False] * 6 + [True] * 4
    monkeypatch.setattr(versions, "_MOST_CHANGES", 65)
    bounded = _following(ten[-1], _dice(7), 40)
    assert not _apply(_apply(LocalList(), ten[-2]), bounded).was_partial
    assert _apply(_apply(LocalList(), ten[-1]), bounded).was_partial


def test_updates_keep_to_the_limit_of_entries() -> None:
    dice = _dice(8)
    listed = _ten(dice, size=5_000)[-1]
    local, limits, rounds = LocalList(), SizeLimits(update=1_024), 0
    while True:
        before = set(local.prefixes)
        _apply(local, listed, limits)
        assert len(before ^ set(local.prefixes)) <= 1_024
        rounds += 1
        if local.wait:
            break
        # The list changes meanwhile.
        listed = _following(listed, dice, 30)
    assert local.prefixes == _entries(listed)
    assert 5 <= rounds <= 8


def test_more_changes_than_the_limit_begin_the_list_anew() -> None:
    dice = _dice(9)
    listed = HashVersions(NAME, sorted({dice.randrange(2**32) for _ in range(3_000)}))
    local = _apply(LocalList(), listed)
    listed = _following(listed, dice, 2_000)
    _apply(local, listed, SizeLimits(update=1_024))
    assert not local.was_partial
    assert (len(local.prefixes), local.wait) == (1_024, 0)
    while not local.wait:
        _apply(local, listed, SizeLimits(update=1_024))
    assert local.prefixes == _entries(listed)


def test_a_small_client_keeps_a_part_of_the_list() -> None:
    dice = _dice(10)
    local = LocalList()
    listed = HashVersions(NAME, sorted({dice.randrange(2**32) for _ in range(900)}))
    for _ in range(20):
        _apply(local, listed, SizeLimits(database=1_024))
        assert local.prefixes == _entries(listed)[:1_024]
        assert local.wait
        listed = _following(listed, dice, 60)
    # With more room it gets the rest, with less it gives up a part.
    for room in (2_048, 256, 0):
        _apply(local, listed, SizeLimits(database=room))
        assert local.prefixes == _entries(listed)[: room or None]
        assert local.was_partial


def _room(most: int, count: int) -> int:
    """Return how many entries of a list a client gets that has room for ``most``; 0 is no limit."""
    return count if not most or most >= count else 2 ** (most.bit_length() - 1)


@pytest.mark.parametrize("seed", range(20))
def test_any_limits_and_changes_lead_to_the_list(seed: int) -> None:
    dice = _dice(seed)
    listed = HashVersions(NAME, sorted({dice.randrange(2**32) for _ in range(dice.choice((0, 1, 1_500, 4_000)))}))
    local = LocalList()
    for _ in range(12):
        limits = SizeLimits(dice.choice((0, 1_024, 2_000)), dice.choice((0, 1, 700, 3_000)))
        for _ in range(10):
            _apply(local, listed, limits)
            if local.wait:
                break
        assert local.prefixes == _entries(listed)[: _room(limits.database, len(listed))]
        listed = _following(listed, dice, dice.choice((2, 50, 1_500)))


def test_forged_bounds_get_the_whole_list_of_all() -> None:
    listed = HashVersions(NAME, range(0, 1_000, 10), secret=b"of the hub")
    version = listed.update(b"").version
    following = listed.changed({5}, {20})
    assert following.update(version).partial
    for bound in (0, 455, 456):
        forged = version[:20] + bound.to_bytes(4) + version[24:]
        assert following.update(forged) is following.update(b"")
    of_other_hub = HashVersions(NAME, range(0, 1_000, 10), secret=b"of another").update(b"").version
    assert following.update(of_other_hub) is following.update(b"")


def test_many_limits_are_coded_few_times() -> None:
    listed = HashVersions(NAME, range(0, 3_000, 2))
    version = listed.changed({1}, {0}).update(b"").version
    listed = listed.changed({1}, {0}).changed({3}, {2})
    for number in range(1, 3_000):
        listed.update(b"", SizeLimits(1_024 + number, number))
        listed.update(version, SizeLimits(1_024 + number, number))
    assert len(listed._coded) < 60


def test_threads_code_an_update_once(monkeypatch: pytest.MonkeyPatch) -> None:
    coded: list[int] = []

    def encode(numbers: Sequence[int]) -> CodedNumbers:
        coded.append(len(numbers))
        return rice.encode(numbers)

    monkeypatch.setattr(versions, "encode", encode)
    listed = HashVersions(NAME, range(50_000))
    with ThreadPoolExecutor(8) as threads:
        updates = list(threads.map(listed.update, [b""] * 8))
    assert coded == [50_000]
    assert all(update is updates[0] for update in updates)


def test_the_checksum_is_that_of_the_sorted_prefixes() -> None:
    update = HashVersions(NAME, [0x01020304, 0xFF000000]).update(b"")
    assert update.checksum == hashlib.sha256(b"\x01\x02\x03\x04\xff\x00\x00\x00").digest()


def test_an_update_is_coded_once_for_all_clients() -> None:
    listed = HashVersions(NAME, range(2_000)).changed({5_000}, {3})
    assert listed.update(b"") is listed.update(b"unknown")
    assert listed.update(b"") is listed.update(b"", SizeLimits(update=5_000))
    first = HashVersions(NAME, range(2_000)).update(b"").version
    assert listed.update(first) is listed.update(first)
