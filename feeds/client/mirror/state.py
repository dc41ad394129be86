"""The state of a mirror's file shared by checks: the settings in force, the copies, and when these are current."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from feeds.client.mirror.clock import NEVER, CurrentSpan, HubClock, LocalMoment
from feeds.client.mirror.entries import time_text
from feeds.client.mirror.settings import CheckRules
from feeds.client.mirror.tables import clock_fact, country_fact, has_listings, log_fact

# The clock of a hub that was never read counts as equal to ours.
_UNREAD = HubClock()
# The country of values without one, while no hub has stated its own: hubs of earlier versions do not.
_COUNTRY = "TH"


class VisibleCopy(NamedTuple):
    """A copy that checks read: its hub and collection, and up to when it is current (milliseconds, hub's clock).

    ``active`` counts objects of any type, ``listings`` the indicators among them; None in a file of an earlier version.
    ``span`` is when the copy is current. ``is_whole`` is false if it is known to lack objects or to have extra ones.
    """

    hub: str
    collection: str
    alias: str
    as_of: int | None
    as_of_text: str | None
    active: int
    listings: int | None
    digest: str
    error: str | None
    title: str
    log: Mapping[str, Any]
    clock: HubClock
    span: CurrentSpan

    @property
    def is_whole(self) -> bool:
        """Return whether the copy equals its hub by the digest; contradictions of the log are reported separately."""
        return self.digest != "differs" or self.log.get("verdict", "differs") != "differs"


class MirrorState(NamedTuple):
    """The state shared by checks: the settings in force, the copies, and missing collections.

    ``generation`` changes with each of these. All copies are current up to ``oldest``, None if one never was.
    ``missing`` are configured collections without a copy, as ``hub/collection``; ``errors`` are those of hubs.
    ``filling`` are incomplete copies. During ``complete`` a value that is in no copy is listed at no hub.
    ``country`` is that of values without one, "" for none.
    """

    generation: int
    rules: CheckRules
    copies: Mapping[int, VisibleCopy]
    oldest: int | None
    oldest_text: str | None
    missing: tuple[str, ...]
    errors: Mapping[str, str]
    filling: tuple[str, ...]
    clocks: Mapping[str, HubClock]
    complete: CurrentSpan
    country: str

    def is_stale(self, here: LocalMoment) -> bool:
        """Return whether a value that is not found may still be listed at a hub."""
        return not self.complete.includes(here)


EMPTY = MirrorState(-1, CheckRules(), {}, None, None, (), {}, (), {}, NEVER, _COUNTRY)


def load(db: sqlite3.Connection, rules: CheckRules | None = None) -> MirrorState:
    """Load the state of a mirror's file as of one moment; ``rules`` replace those in the file."""
    db.execute("BEGIN")
    try:
        facts = dict(db.execute("SELECT name, value FROM facts").fetchall())
        listings = "listings" if has_listings(db) else "NULL"
        rows = db.execute(
            f"SELECT number, state, hub, collection, alias, as_of, active, {listings}, digest, error, title "  # noqa: S608 - constants
            "FROM copies WHERE state != 'dropped'"
        ).fetchall()
    finally:
        db.execute("COMMIT")
    return _state(facts, rows, rules or CheckRules.model_validate(json.loads(facts.get("rules", "{}"))))


def _state(facts: Mapping[str, Any], rows: Sequence[Any], rules: CheckRules) -> MirrorState:
    """Build the state from the facts and the copies of a file."""
    copies = {number: _copy(facts, rules, *columns) for number, state, *columns in rows if state == "visible"}
    every = copies.values()
    filling = [(hub, collection, alias) for _, state, hub, collection, alias, *_ in rows if state == "filling"]
    known = [copy.as_of for copy in every if copy.as_of is not None]
    oldest = min(known) if known and len(known) == len(copies) else None
    missing = _missing(rules, every)
    return MirrorState(
        facts["generation"],
        rules,
        copies,
        oldest,
        _time(oldest),
        missing,
        _errors(facts, rules),
        tuple(f"{hub}/{alias or collection}" for hub, collection, alias in filling),
        {copy.hub: copy.clock for copy in every},
        NEVER if missing or _lacks_some(every, filling) else reduce(CurrentSpan.overlap, (copy.span for copy in every)),
        _country(facts, rules),
    )


def _country(facts: Mapping[str, Any], rules: CheckRules) -> str:
    """Return the country of the settings, else the one that all hubs state; none if they state different ones."""
    if rules.country is not None:
        return rules.country
    stated = {json.loads(facts[name]) for hub in rules.wanted if (name := country_fact(hub)) in facts}
    if len(stated) > 1:
        return ""
    return stated.pop() if stated else _COUNTRY


def _lacks_some(copies: Collection[VisibleCopy], filling: Sequence[tuple[str, str, str]]) -> bool:
    """Return whether a collection may have listings that no copy has: one is not whole, or only being filled."""
    there = {(copy.hub, copy.collection) for copy in copies}
    return not all(copy.is_whole for copy in copies) or not copies or any(begun[:2] not in there for begun in filling)


def _errors(facts: Mapping[str, Any], rules: CheckRules) -> dict[str, str]:
    """Return the errors of the last rounds with hubs, by the name of the hub."""
    rounds = {name: json.loads(facts.get(f"hub:{name}", "{}")) for name in rules.wanted}
    return {name: fact["error"] for name, fact in rounds.items() if fact.get("error")}


def _copy(
    facts: Mapping[str, Any],
    rules: CheckRules,
    hub: str,
    collection: str,
    alias: str,
    as_of: int | None,
    active: int,
    listings: int | None,
    digest: str,
    error: str | None,
    title: str,
) -> VisibleCopy:
    text = facts.get(clock_fact(hub))
    clock = HubClock.of(json.loads(text)) if text else _UNREAD
    return VisibleCopy(
        hub,
        collection,
        alias or collection,
        as_of,
        _time(as_of),
        active,
        listings,
        digest,
        error,
        title,
        json.loads(facts.get(log_fact(hub, collection), "{}")),
        clock,
        clock.current_while(as_of, rules.max_age * 1000),
    )


def _time(at: int | None) -> str | None:
    return None if at is None else time_text(at)


def _missing(rules: CheckRules, copies: Iterable[VisibleCopy]) -> tuple[str, ...]:
    """Return the configured collections without a copy."""
    there = {(copy.hub, name) for copy in copies for name in (copy.collection, copy.alias, copy.title, "*")}
    wanted = ((hub, name) for hub, names in rules.wanted.items() for name in names)
    return tuple(f"{hub}/{name}" for hub, name in wanted if (hub, name) not in there)


class MirrorHealth(NamedTuple):
    """The state of each copy, and whether answers are reliable, ready for JSON."""

    is_well: bool
    shown: dict[str, Any]


def health_of(state: MirrorState, here: LocalMoment) -> MirrorHealth:
    """Return the health of a mirror at a moment.

    It is good if no copy is older than ``max_age``, no copy is missing, and no copy is known to differ from its hub.
    """
    copies = [
        {
            "hub": copy.hub,
            "collection": copy.alias,
            "listings": copy.listings,
            "active": copy.active,
            "as_of": copy.as_of_text,
            "age_seconds": None if copy.as_of is None else round((copy.clock.now(here) - copy.as_of) / 1000, 1),
            "stale": not copy.span.includes(here),
            "digest": copy.digest,
            "error": copy.error,
        }
        | _log_of(copy)
        for copy in state.copies.values()
    ]
    stale, differs = state.is_stale(here), any(copy["digest"] == "differs" for copy in copies)
    is_well = not (stale or differs)
    shown = {
        "status": "ok" if is_well else "differs" if differs else "stale",
        "as_of": state.oldest_text,
        "max_age_seconds": state.rules.max_age,
        "copies": copies,
        "missing": list(state.missing),
        "filling": list(state.filling),
        "errors": dict(state.errors),
        "clocks": {hub: round(clock.ahead / 1000, 1) for hub, clock in state.clocks.items() if clock.ahead},
    }
    return MirrorHealth(is_well, shown)


def _log_of(copy: VisibleCopy) -> dict[str, Any]:
    """Return how far a copy was checked against its collection's log; empty if it is not checked."""
    if not copy.log:
        return {}
    shown = {name: copy.log.get(name) for name in ("verified_up_to", "size", "cosigned_by", "cosigned")}
    left_out = copy.log.get("left_out_number")
    return {"log": shown | {"unproven": len(copy.log.get("unproven", {})), "left_out": left_out}}
