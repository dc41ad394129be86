"""The figures of random histories match a count from the reports alone, however they are divided into steps."""

import json
import shutil
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, example, given, settings, strategies as st

from mappers import extension, ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.features.trends import counts
from server.features.trends.days import EPOCH
from server.features.trends.fold import fold, fold_all
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, Tx, collections, log, partners
from server.store.item import Item
from server.store.objects.query import Query
from tests.searches import examples
from tests.times import ago
from tests.unit.server.release.hubs import hub_on

# The longest history takes 75 days.
_BEGIN = ago(days=92).replace(hour=8, minute=0, second=0, microsecond=0)
_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
_NAMES = ("Bank 0", "Bank 1", "Bank 2")
_SCAMS = ("investment", "romance", "unknown")
_numbers = count()


class Event(NamedTuple):
    """A partner reports a value, or retracts its report, some hours after the event before."""

    partner: int
    value: int
    retracts: bool
    hours: int
    # How long the report is valid.
    days: int
    scam: int
    is_ours: bool
    # The rows of a step that aggregates afterwards; 0: none.
    rows: int


EVENTS = st.builds(
    Event,
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 3).map(lambda one: one == 0),
    st.integers(1, 72),
    st.integers(1, 6),
    st.integers(0, 2),
    st.booleans(),
    st.integers(0, 4),
)


@dataclass
class Recount:
    """The counts by figure, day, dimension and word, from the reports sent and from the listings that readers see."""

    # By value, the end of its listing; none if it is revoked.
    ends: dict[str, datetime] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)
    counts: Counter[tuple[str, str, int, str]] = field(default_factory=Counter)

    def sent(self, event: Event, at: datetime, ends: dict[str, datetime]) -> None:
        """Count what happened at a moment, after which the listings have these ends."""
        if not event.retracts and (event.value, event.partner) not in self.seen:
            self.seen.add((event.value, event.partner))
            for figure in ("received", "reports"):
                self._count(figure, at, scam_type=_SCAMS[event.scam], reporter_kind="bank")
        pattern = _pattern(event)
        was_active, is_active = (known.get(pattern, at) > at for known in (self.ends, ends))
        if is_active and not was_active:
            self._count("listed", at)
        # A listing whose last report ends at this very moment has ended, and was not delisted.
        if was_active and pattern not in ends:
            self._count("delisted", at)
        self.ends = ends

    def active_after(self, day: int) -> int:
        """Return how many values are listed at the end of a day."""
        return sum(end > _beginning_of(day + 1) for end in self.ends.values())

    def _count(self, figure: str, at: datetime, **words: str) -> None:
        for dimension, word in (("", ""), ("kind", "domain"), *words.items()):
            self.counts[figure, dimension, _day_of(at), word] += 1


def _ends_of_listings(tx: Tx) -> dict[str, datetime]:
    """Return, by pattern, the end of each listing that is not revoked."""
    found = log.page(tx, collections.get(tx, "takedown"), Query(types=("indicator",), limit=100))
    assert found.next is None
    listings = [json.loads(body) for body in found.bodies]
    return {
        listing["pattern"]: timestamp.parse(listing["valid_until"])
        for listing in listings
        if not listing.get("revoked")
    }


def _day_of(at: datetime) -> int:
    return (at.date() - EPOCH).days


def _beginning_of(day: int) -> datetime:
    return datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=UTC) + timedelta(days=day)


def _indicator(event: Event, partner: Partner, id_: str, at: datetime, end: datetime) -> dict[str, Any]:
    label = f'scam:type="{_SCAMS[event.scam]}"'
    moment = timestamp.text(at)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": partner.identity,
        "created": moment,
        "modified": moment,
        "pattern": _pattern(event),
        "pattern_type": "stix",
        "valid_from": moment,
        "valid_until": timestamp.text(end),
        "labels": ["scam", *([] if event.is_ours else [label])],
        "object_marking_refs": [_GREEN],
        **({"extensions": _extension(_SCAMS[event.scam])} if event.is_ours else {}),
    }


def _pattern(event: Event) -> str:
    return f"[domain-name:value = 'n{event.value}.example.com']"


def _extension(scam: str) -> dict[str, Any]:
    return {extension.ID: {"extension_type": "property-extension", "scam_type": scam}}


# What is left of a listing ends at the very moment at which another report about it is retracted.
_ENDS_AS_RETRACTED = (
    Event(0, 1, False, 1, 1, 0, False, 0),
    Event(1, 1, False, 23, 1, 0, False, 0),
    Event(1, 1, True, 1, 1, 0, False, 0),
)


@given(st.lists(EVENTS, min_size=1, max_size=25))
@example([*_ENDS_AS_RETRACTED])
@settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_figures_of_random_histories_match_a_count_of_the_reports(
    initial_store: Path, tmp_path: Path, events: list[Event]
) -> None:
    file = shutil.copy(initial_store, tmp_path / f"hub{next(_numbers)}.db")
    with closing(Store.open(f"sqlite:///{file}")) as store:
        set_up(store)
        hub, recount = hub_on(store), Recount()
        at = _happen(hub, events, recount)
        with timestamp.frozen_at(at):
            fold_all(hub)
        with store.read() as tx:
            _compare(tx, recount, _day_of(_BEGIN), _day_of(at))


def _happen(hub: Hub, events: list[Event], recount: Recount) -> datetime:
    """Send what partners report and retract, count it, and return the moment of the last event."""
    at = _BEGIN
    made = [
        Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
        for name in _NAMES
    ]
    with hub.store.begin() as tx:
        for partner in made:
            partners.add(tx, partner)
            collections.grant(tx, partner.name, collections.get(tx, "takedown"), read=True)
    current: dict[tuple[int, int], dict[str, Any]] = {}
    for event in events:
        at += timedelta(hours=event.hours)
        obj = _object(event, made[event.partner], at, current)
        if obj is None:
            continue
        with timestamp.frozen_at(at):
            with hub.store.begin() as tx:
                done = contribute(hub, tx, made[event.partner], [Item.of(obj)])
            assert not done.failed, done.failed
            assert not done.pending, done.pending
            with hub.store.read() as tx:
                recount.sent(event, at, _ends_of_listings(tx))
            if event.rows:
                fold(hub, event.rows)
    return at


def _object(
    event: Event, partner: Partner, at: datetime, current: dict[tuple[int, int], dict[str, Any]]
) -> dict[str, Any] | None:
    """Return what the partner sends; none if it has no report to retract."""
    place = (event.value, event.partner)
    if event.retracts:
        before = current.pop(place, None)
        return before and {**before, "modified": timestamp.text(at), "revoked": True}
    known = current.get(place)
    id_ = known["id"] if known else f"indicator--{uuid.uuid4()}"
    obj = current[place] = _indicator(event, partner, id_, at, at + timedelta(days=event.days))
    if known:
        obj["created"] = known["created"]
    return obj


def _compare(tx: Tx, recount: Recount, first: int, ended: int) -> None:
    last = ended + 10
    for figure in ("received", "reports", "listed", "delisted"):
        of_reports = ("scam_type", "reporter_kind") if figure in ("received", "reports") else ()
        for dimension in ("", "kind", *of_reports):
            counted = counts.by_day(tx, figure, dimension, first, last)
            expected = {(key[2], key[3]): n for key, n in recount.counts.items() if key[:2] == (figure, dimension)}
            assert {key: n for key, n in counted.items() if n} == expected, (figure, dimension)
    for day in range(ended, last):
        assert counts.sums(tx, "active", "", 0, day).get("", 0) == recount.active_after(day), day
