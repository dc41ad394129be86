"""A source's revocations and repeated reports: when they create a new listing."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import feeds.runs.pull
from feeds.connector import Batch, Gone
from feeds.connectors import build
from feeds.mapping.batches import PeerObjects
from feeds.mapping.options import Options
from mappers import ids
from mappers.consensus import ORIGIN
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from server.release.contribute import take_all
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, feed_state, partners
from tests.contract.connectors.contract import latest
from tests.running import run
from tests.searches import examples
from tests.times import ago

NAME = "Example Telecom"
MINE = ids.identity(NAME)
START = ago(days=31).replace(microsecond=0)
PATTERN = "[domain-name:value = 'a.example.com']"
THEIRS = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def moment(hours: float) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def said(hours: float, **more: Any) -> dict[str, Any]:
    report = Report(kind="domain", value="a.example.com", reporter=NAME, reported_at=moment(hours))
    return {**to_stix(report)[1], **more}


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    with opened.begin() as tx:
        partners.add(tx, Partner(name=NAME, kind=PartnerKind.TELECOM, identity=MINE))
    yield opened
    opened.close()


class RelistedHub:
    """A hub with one feed that receives scripted batches."""

    def __init__(self, store: Store, feed: str = "list") -> None:
        self.store = store
        self.feed = feed

    def take(self, *objects: dict[str, Any], gone: Any = ()) -> None:
        feed = build({"name": self.feed, "connector": "file-pull", "path": "/x", "contribute_as": NAME})
        batch = Batch([[obj] for obj in objects], {}, len(objects), gone=gone)
        feed.pull = lambda *_: iter([batch])  # type: ignore[attr-defined]
        result = run(self.store, feed)
        assert result.ending == "done", result.error

    def retract(self, value: str = "a.example.com") -> None:
        with self.store.begin() as tx:
            assert retract(Hub(self.store), tx, value, partners.get(tx, NAME))

    def active(self) -> list[str]:
        there = [obj for obj in latest(self.store, "inbox") if obj["type"] == "indicator"]
        return [obj["id"] for obj in there if not obj.get("revoked")]


@pytest.fixture
def hub(store: Store) -> RelistedHub:
    return RelistedHub(store)


FIRST, SECOND, THIRD = (ids.indicator(MINE, PATTERN, number) for number in range(3))


def test_each_listing_has_the_next_id(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])
    hub.take(said(2))
    assert hub.active() == [SECOND]
    hub.take(gone=[Gone(FIRST, moment(3))])
    assert hub.active() == []
    hub.take(said(4))
    assert hub.active() == [THIRD]


def test_value_is_revoked_and_relisted_like_an_indicator(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=["a.example.com"])
    assert hub.active() == []
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    hub.take(said((now - START) / timedelta(hours=1)))
    assert hub.active() == [SECOND]


def test_malformed_value_retracts_nothing(hub: RelistedHub) -> None:
    hub.take(said(0), gone=["what is this?", "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"])
    assert hub.active() == [FIRST]


def test_a_report_from_before_the_revocation_makes_no_new_listing(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(2))])
    hub.take(said(1))
    assert hub.active() == []


def test_a_revocation_from_before_the_repeat_leaves_the_listing(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])
    hub.take(said(2))
    hub.take(gone=[Gone(FIRST, moment(1))])
    assert hub.active() == [SECOND]


def test_a_report_and_a_revocation_of_one_batch_are_ordered_by_time(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])
    hub.take(said(2), gone=[Gone(FIRST, moment(3))])
    assert hub.active() == []
    hub.take(said(5), gone=[Gone(FIRST, moment(4))])
    assert hub.active() == [SECOND]


def test_a_source_that_repeats_reports_and_revocations_makes_no_new_listings(hub: RelistedHub) -> None:
    for hours in range(4):
        hub.take(said(hours), gone=["a.example.com"])
    listings = [obj for obj in latest(hub.store, "inbox") if obj["type"] == "indicator"]
    assert [(obj["id"], obj["revoked"]) for obj in listings] == [(FIRST, True)]


def test_another_sources_repeats_relist_nothing(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])
    RelistedHub(hub.store, "another").take(said(2))
    assert hub.active() == []


def test_locally_retracted_value_is_relisted_after_its_source_retracts_too(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.retract()
    hub.take(said(1))
    assert hub.active() == []
    now = (datetime.now(UTC) - START) / timedelta(hours=1)
    hub.take(gone=[Gone(FIRST, moment(now + 1))])
    hub.take(said(now + 0.01))
    assert hub.active() == [SECOND]


def test_a_repeated_earlier_revocation_does_not_undo_a_retraction_here(hub: RelistedHub) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])
    hub.take(said(2))
    hub.retract()
    hub.take(gone=[Gone(FIRST, moment(1))])
    hub.take(said(3))
    assert hub.active() == []


def test_a_partners_own_indicator_is_relisted_under_an_id_derived_from_the_first(hub: RelistedHub) -> None:
    own = said(0, id=THEIRS)
    hub.take(own)
    assert hub.active() == [THEIRS]
    hub.take({**own, "modified": moment(1), "revoked": True})
    assert hub.active() == []
    hub.take({**own, "modified": moment(2)})
    (revived,) = [obj for obj in latest(hub.store, "inbox") if obj["type"] == "indicator" and not obj.get("revoked")]
    assert revived["external_references"] == [{"source_name": ORIGIN, "external_id": f"{THEIRS}/1"}]
    assert (revived["created"], revived["modified"]) == (moment(2), moment(2))
    hub.take({**own, "modified": moment(3), "revoked": True})
    assert hub.active() == []


def test_listing_returned_through_a_circle_of_peers_is_the_same() -> None:
    theirs = said(0, id=THEIRS, created_by_ref=ids.identity("Elsewhere"), external_references=[])
    one, other = (PeerObjects(Options(reporter=name)) for name in ("One", "Other"))
    again = {**theirs, "external_references": [{"source_name": ORIGIN, "external_id": f"{THEIRS}/1"}]}
    had = one.adopt([again]).items[0][0]
    assert one.adopt([theirs]).items[0][0]["id"] != had["id"]
    back = one.adopt([other.adopt([had]).items[0][0]]).items[0][0]
    assert back["id"] == had["id"]


def test_two_reports_of_a_value_have_separate_listings(hub: RelistedHub) -> None:
    one, other = (
        said(0, id=ids_, external_references=[{"source_name": ORIGIN, "external_id": origin}])
        for ids_, origin in (
            ("indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1", "a"),
            ("indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2", "b"),
        )
    )
    hub.take(one, other)
    hub.take(gone=[Gone(one["id"], moment(1)), Gone(other["id"], moment(1))])
    hub.take({**one, "modified": moment(2)}, {**other, "modified": moment(2)})
    assert len(hub.active()) == 2
    assert not {one["id"], other["id"]} & set(hub.active())


def test_a_new_listing_that_fails_becomes_a_dead_letter_under_its_id(
    hub: RelistedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.take(said(0))
    hub.take(gone=[Gone(FIRST, moment(1))])

    def fail(hub: Any, tx: Any, partner: Any, parts: Any, **options: Any) -> Any:
        parts = list(parts)
        if any(submission.item.id == SECOND for part in parts for submission in part.submissions):
            raise ZeroDivisionError
        return take_all(hub, tx, partner, parts, **options)

    monkeypatch.setattr(feeds.runs.pull, "take_all", fail)
    other = to_stix(Report(kind="domain", value="b.example.com", reporter=NAME, reported_at=moment(2)))[1]
    hub.take(said(2), other)
    with hub.store.read() as tx:
        assert [letter.subject for letter in feed_state.find_dead_letters(tx, hub.feed)] == [SECOND]


def test_a_list_that_loses_a_value_and_regains_it_changes_nothing(hub: RelistedHub, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    feed = build({"name": "drop", "connector": "file-pull", "path": str(drop), "contribute_as": NAME})
    for number, domains in enumerate(("a b", "b", "a b", "b", "a b c")):
        lines = "\n".join(f"{domain}.example.com" for domain in domains.split())
        (drop / f"{number}.txt").write_text(f"# {number}\n{lines}\n")
        assert run(hub.store, feed).ending == "done"
    assert len(hub.active()) == 3
    hub.retract()
    (drop / "9.txt").write_text("# 9\na.example.com\nb.example.com\n")
    assert run(hub.store, feed).reasons == {"held for review": 1}
    assert len([obj for obj in latest(hub.store) if obj["type"] == "indicator" and not obj.get("revoked")]) == 2


@settings(deadline=None, max_examples=examples(12))
@given(st.lists(st.sampled_from(["say", "take back"]), max_size=12))
def test_random_source_leaves_both_sides_equal(
    initial_store: Path, tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path_factory.mktemp('hub'))}")
    with opened.begin() as tx:
        partners.add(tx, Partner(name=NAME, kind=PartnerKind.TELECOM, identity=MINE))
    hub, said_last = RelistedHub(opened), False
    for hours, word in enumerate(words):
        said_last = word == "say"
        hub.take(*([said(hours)] if said_last else []), gone=[] if said_last else [Gone(FIRST, moment(hours))])
    assert len(hub.active()) == said_last
    opened.close()
