"""Copies in a mirror's file, and when readers see them."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CollectionCopy, CopyWriter
from feeds.client.mirror.entries import MirrorEntry, entry_of, time_text
from feeds.client.mirror.settings import CheckRules
from feeds.connector import Misconfigured
from mappers.extension import ID
from schemas.tlog.entries import digest_part
from tests.unit.feeds.client.mirror.objects import indicator

HOUR = 3_600_000


def now() -> int:
    return int(time.time() * 1000)


def entries(*objects: dict[str, Any]) -> list[MirrorEntry]:
    return [entry for obj in objects if (entry := entry_of(obj)) is not None]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[CopyWriter]:
    made = CopyWriter(tmp_path / "mirror.db")
    made.keep_rules(CheckRules(wanted={"hub": ["room"]}))
    yield made
    made.close()


@pytest.fixture
def copy(writer: CopyWriter) -> CollectionCopy:
    begun = writer.begin("hub", "id", "room", "Room")
    writer.add(begun, entries(*map(indicator, range(10))), {"added_after": "1"})
    return begun


@pytest.fixture
def visible(writer: CopyWriter, copy: CollectionCopy) -> CollectionCopy:
    writer.publish([copy])
    writer.settle(copy, as_of=now(), digest="equal")
    return writer.get(copy.number)


@pytest.fixture
def mirror(writer: CopyWriter) -> Iterator[Mirror]:
    with Mirror(writer.path) as opened:
        yield opened


def found(mirror: Mirror, *numbers: int) -> list[bool]:
    return [mirror.check(f"h{number}.example.com").found for number in numbers]


def test_copy_is_visible_when_complete(writer: CopyWriter, copy: CollectionCopy, mirror: Mirror) -> None:
    assert found(mirror, 0, 9) == [False, False]
    assert mirror.check("h0.example.com").stale
    assert mirror.state().filling == ("hub/room",)
    writer.publish([copy])
    assert found(mirror, 0, 9, 10) == [True, True, False]


def test_incomplete_copy_never_blocks(writer: CopyWriter, copy: CollectionCopy, mirror: Mirror) -> None:
    writer.publish([copy])
    answer = mirror.check("h0.example.com")
    assert (answer.grade, answer.stale, answer.as_of) == ("warn", True, None)


@pytest.mark.parametrize(("age", "grade"), [(0, "block"), (HOUR - 60_000, "block"), (HOUR + 1, "warn")])
def test_an_old_copy_never_blocks(
    writer: CopyWriter, visible: CollectionCopy, mirror: Mirror, age: int, grade: str
) -> None:
    writer.settle(visible, as_of=now() - age, digest="equal")
    answer = mirror.check("h0.example.com")
    assert (answer.grade, answer.stale) == (grade, grade != "block")
    assert mirror.check("h99.example.com").stale is (grade != "block")


def test_a_copy_from_the_future_is_stale(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.settle(visible, as_of=now() + HOUR, digest="equal")
    assert mirror.check("h0.example.com").grade == "warn"


def test_staged_changes_become_visible_at_once(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.add(visible, entries(indicator(10), indicator(3, 2, revoked=True)), {"added_after": "2"})
    writer.add(visible, entries(indicator(11)), {"added_after": "3"})
    assert found(mirror, 3, 10, 11) == [True, False, False]
    assert writer.get(visible.number).place() == {"added_after": "3"}
    writer.publish([visible])
    assert found(mirror, 3, 10, 11) == [False, True, True]
    assert writer.get(visible.number).checkpoint == '{"added_after": "3"}'


def test_an_older_version_changes_nothing(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.add(visible, entries(indicator(3, 5, revoked=True), indicator(3, 4), indicator(4, 3)), {})
    writer.publish([visible])
    assert found(mirror, 3, 4) == [False, True]


def test_indicator_expires(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.add(visible, entries(indicator(20, valid_until=time_text(now() - 1000))), {})
    writer.add(visible, entries(indicator(21, valid_until=time_text(now() + HOUR))), {})
    writer.publish([visible])
    assert found(mirror, 20, 21) == [False, True]


def test_second_copy_replaces_the_first(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    fresh = writer.begin("hub", "id", "room", "Room")
    writer.add(fresh, entries(indicator(1)), {})
    assert found(mirror, 0, 1) == [True, True]
    writer.publish([fresh])
    assert found(mirror, 0, 1) == [False, True]
    writer.tidy()
    assert [copy.number for copy in writer.copies()] == [fresh.number]
    assert found(mirror, 0, 1) == [False, True]


def test_dropped_copy_is_invisible(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.publish((), dropped=[visible])
    assert found(mirror, 0) == [False]
    assert mirror.state().missing == ("hub/room",)
    assert mirror.check("h0.example.com").stale


def digest_of(objects: list[dict[str, Any]]) -> int:
    return sum(digest_part(obj["id"], obj["modified"]) for obj in objects) % (1 << 256)


def test_the_digest_follows_changes_revocations_ends_and_the_clock(writer: CopyWriter, visible: CollectionCopy) -> None:
    kept = [indicator(number) for number in range(10)]
    assert writer.active_set(visible, now()) == (10, digest_of(kept))
    soon, later = now() + HOUR, now() + 2 * HOUR
    changed = [indicator(0, 2, valid_until=time_text(soon)), indicator(1, 2, valid_until=time_text(later))]
    writer.add(visible, entries(*changed, indicator(2, 2, revoked=True)), {})
    writer.publish([visible])
    rest = [*changed, *kept[3:]]
    for at, active in ((now(), rest), (soon, rest[1:]), (later, rest[2:]), (soon - 1, rest), (later - 1, rest[1:])):
        assert writer.active_set(visible, at) == (len(active), digest_of(active))
        assert writer.get(visible.number).listings == len(active)


def test_long_ended_listings_are_deleted_and_the_digest_stays(writer: CopyWriter, visible: CollectionCopy) -> None:
    writer.add(visible, entries(indicator(20, valid_until=time_text(now() - 48 * HOUR))), {})
    writer.publish([visible])
    before = writer.active_set(visible, now())
    writer.tidy()
    assert writer.active_set(visible, now()) == before


def test_objects_of_other_types_count_only_in_the_digest(writer: CopyWriter, visible: CollectionCopy) -> None:
    identity = {"type": "identity", "id": "identity--1", "modified": "2026-01-01T00:00:00Z"}
    marking = {"type": "marking-definition", "id": "marking-definition--1", "created": "2026-01-01T00:00:00.000Z"}
    observable = {"type": "domain-name", "id": "domain-name--1", "value": "h0.example.com"}
    writer.add(visible, entries(identity, marking, observable), {})
    writer.publish([visible])
    parts = [
        ("identity--1", identity["modified"]),
        ("marking-definition--1", marking["created"]),
        ("domain-name--1", ""),
    ]
    expected = digest_of([indicator(number) for number in range(10)])
    expected += sum(digest_part(*part) for part in parts)
    assert writer.active_set(visible, now()) == (13, expected % (1 << 256))
    assert writer.get(visible.number).listings == 10


def test_a_file_of_an_earlier_version_gets_the_number_of_its_listings(
    writer: CopyWriter, visible: CollectionCopy
) -> None:
    identity = {"type": "identity", "id": "identity--1", "modified": "2026-01-01T00:00:00Z"}
    writer.add(visible, entries(identity, indicator(1, 2, revoked=True), indicator(2, 2, valid_until=time_text(1))), {})
    writer.publish([visible])
    writer.close()
    with closing(sqlite3.connect(writer.path)) as opened, opened:
        opened.execute("ALTER TABLE copies DROP COLUMN listings")
    opened.close()
    with Mirror(writer.path) as mirror:
        assert [copy.listings for copy in mirror.state().copies.values()] == [None]
        CopyWriter(writer.path).close()
        assert [(copy.listings, copy.active) for copy in mirror.state().copies.values()] == [(8, 9)]


def _along(number: int) -> list[dict[str, Any]]:
    """Return a listing's companion objects: the same observable for every listing."""
    relationship = {"type": "relationship", "relationship_type": "based-on", "id": f"relationship--{number}"}
    ends = {"source_ref": indicator(number)["id"], "target_ref": "domain-name--0"}
    observable = {"type": "domain-name", "id": "domain-name--0", "value": "h0.example.com"}
    return [observable, relationship | ends | {"modified": "2026-01-01T00:00:00.000Z"}]


def test_companions_of_a_listing_count_until_its_revocation(writer: CopyWriter, visible: CollectionCopy) -> None:
    def add(*objects: dict[str, Any]) -> int:
        writer.add(visible, entries(*objects), {})
        writer.publish([visible])
        return writer.active_set(visible, now()).active

    assert add(indicator(20), *_along(20)) == 13
    # This listing expired a day ago. Its companions stay, even if it is extended.
    assert add(indicator(20, 2, valid_until=time_text(now() - 48 * HOUR))) == 12
    writer.tidy()
    assert writer.active_set(visible, now()).active == 12
    assert add(indicator(20, 3)) == 13
    assert add(indicator(20, 4, revoked=True, valid_until=time_text(now() - 48 * HOUR))) == 10
    writer.tidy()
    assert writer.active_set(visible, now()).active == 10
    # The value is listed again with the earlier observable.
    assert add(indicator(21), *_along(21)) == 13
    assert add(indicator(21, 2, revoked=True)) == 10
    assert add(*_along(21)) == 10


def test_unreferenced_listings_are_deleted_once_a_day(
    writer: CopyWriter, visible: CollectionCopy, mirror: Mirror
) -> None:
    writer.tidy()
    writer.add(visible, entries(*(indicator(number, 2, confidence=number) for number in range(10))), {})
    writer.publish([visible])
    assert mirror.check("h5.example.com").confidence == 5
    writer.add(visible, entries(*(indicator(number, 3, confidence=number + 1) for number in range(10))), {})
    writer.publish([visible])
    writer.keep_fact("swept", 0)
    writer.tidy()
    assert [mirror.check(f"h{number}.example.com").confidence for number in range(10)] == list(range(1, 11))
    with Mirror(writer.path) as other:
        assert [other.check(f"h{number}.example.com").confidence for number in range(10)] == list(range(1, 11))


def test_listing_deleted_during_a_look_up_is_looked_up_again(
    writer: CopyWriter, visible: CollectionCopy, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Mirror._listing

    def slowly(self: Mirror, number: int) -> object:
        monkeypatch.setattr(Mirror, "_listing", read)
        writer.add(visible, entries(indicator(5, 2, confidence=50)), {})
        writer.publish([visible])
        writer.keep_fact("swept", 0)
        for other in range(10):
            writer.add(visible, entries(indicator(other, 3, confidence=60)), {})
        writer.publish([visible])
        writer.tidy()
        return read(self, number)

    monkeypatch.setattr(Mirror, "_listing", slowly)
    assert mirror.check("h5.example.com").confidence == 60


def test_replacement_of_a_lost_file_is_used(writer: CopyWriter, visible: CollectionCopy, mirror: Mirror) -> None:
    writer.path.unlink()  # without the files next to it
    other = CopyWriter(writer.path)
    copy = other.begin("hub", "id", "room", "Room")
    other.add(copy, entries(indicator(77)), {})
    other.publish([copy])
    assert found(mirror, 0, 77) == [True, False]
    mirror.follow_file()
    assert found(mirror, 0, 77) == [False, True]
    other.close()


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"no database, but a file that is long enough to be one" * 100)
    with pytest.raises(Misconfigured):
        CopyWriter(other)
    with pytest.raises(Misconfigured):
        Mirror(other)


def test_listing_keeps_the_number_of_hubs(writer: CopyWriter) -> None:
    known = indicator(1)
    [context] = known["extensions"].values()
    begun = writer.begin("hub", "id", "room", "Room")
    writer.add(begun, entries({**known, "extensions": {ID: {**context, "hubs": 3}}}), {"added_after": "1"})
    writer.publish([begun])
    writer.settle(begun, as_of=now(), digest="equal")
    with Mirror(writer.path) as mirror:
        [listing] = mirror.check("h1.example.com").listings
    assert (listing.reporters, listing.hubs) == (2, 3)
