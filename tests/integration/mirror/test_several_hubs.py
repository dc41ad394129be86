"""One copy of two hubs: their listings of a value are merged, and an unreachable hub does not hide the other's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from tests.integration.mirror.fake_hub import FakeHub, serving
from tests.unit.feeds.client.mirror.objects import indicator

CONTEXT = "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c"


def graded(number: int, grade: str, **more: Any) -> dict[str, Any]:
    context = {"extension_type": "property-extension", "grade": grade, "reporters": 2, **more}
    return indicator(number, extensions={CONTEXT: context})


@pytest.fixture
def hubs() -> Iterator[tuple[FakeHub, FakeHub]]:
    with serving() as first, serving() as second:
        yield first, second


def settings(tmp_path: Path, *urls: str, **more: Any) -> MirrorSettings:
    tables = [
        {"name": name, "url": url, "collections": ["room"], "allow_private": True, "retries": 0}
        for name, url in zip(("one", "two"), urls, strict=False)
    ]
    return MirrorSettings.model_validate({"mirror": {"file": str(tmp_path / "mirror.db"), **more}, "hub": tables})


def test_the_strongest_grade_of_both_counts(hubs: tuple[FakeHub, FakeHub], tmp_path: Path) -> None:
    first, second = hubs
    first.add(graded(1, "monitor", disputed=True), graded(2, "warn"))
    second.add(graded(1, "block"), graded(3, "warn"))
    assert all(done.is_well for done in sync_once(settings(tmp_path, first.url, second.url)))
    with Mirror(tmp_path / "mirror.db") as mirror:
        both = mirror.check("h1.example.com")
        assert (both.grade, both.disputed, both.hubs) == ("block", True, ("two", "one"))
        assert [listing.hub for listing in both.listings] == ["two", "one"]
        assert mirror.check("h2.example.com").hubs == ("one",)
        assert mirror.check("h3.example.com").hubs == ("two",)


def test_unreachable_hub_lowers_only_its_own_listings(hubs: tuple[FakeHub, FakeHub], tmp_path: Path) -> None:
    first, second = hubs
    first.add(graded(1, "block"), graded(2, "block"))
    second.add(graded(1, "block"), graded(3, "block"))
    sync_once(settings(tmp_path, first.url, second.url, max_age="1ms"))
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert [mirror.check(f"h{number}.example.com").grade for number in (1, 2, 3)] == ["warn"] * 3
        done = sync_once(settings(tmp_path, "http://127.0.0.1:9/feed/", second.url, max_age="1m"))
        assert [bool(hub.error) for hub in done] == [True, False]
        assert mirror.check("h1.example.com").grade == "block"
        assert "one" in mirror.state().errors


def test_hub_dropped_from_the_settings_is_forgotten(hubs: tuple[FakeHub, FakeHub], tmp_path: Path) -> None:
    first, second = hubs
    first.add(graded(1, "block"))
    second.add(graded(2, "block"))
    sync_once(settings(tmp_path, first.url, second.url))
    with Mirror(tmp_path / "mirror.db") as mirror:
        assert mirror.check("h2.example.com").found
        sync_once(settings(tmp_path, first.url))
        assert not mirror.check("h2.example.com").found
        assert mirror.check("h1.example.com").grade == "block"
        assert not mirror.check("h2.example.com").stale


def test_sandbox_listing_stops_no_payment_unless_rehearsing(hubs: tuple[FakeHub, FakeHub], tmp_path: Path) -> None:
    first, second = hubs
    first.add(graded(1, "block", sandbox=True), graded(2, "block", sandbox=True))
    second.add(graded(2, "warn"))
    sync_once(settings(tmp_path, first.url, second.url))
    with Mirror(tmp_path / "mirror.db") as mirror:
        synthetic, both = mirror.check("h1.example.com"), mirror.check("h2.example.com", "domain")
        assert (synthetic.sandbox, synthetic.found, synthetic.grade, synthetic.action) == (True, False, None, "none")
        assert [listing.sandbox for listing in synthetic.listings] == [True]
        assert (both.sandbox, both.grade, both.hubs) == (False, "warn", ("two",))
        sync_once(settings(tmp_path, first.url, second.url, rehearse=True))
        synthetic, both = mirror.check("h1.example.com", "domain"), mirror.check("h2.example.com")
        assert (synthetic.sandbox, synthetic.found, synthetic.grade, synthetic.action) == (True, True, "block", "block")
        assert (both.sandbox, both.grade) == (False, "warn")
