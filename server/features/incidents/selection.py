"""Select the reports of an incident: by partner, time, file, reference, values, text, kind, or the rule that holds
them.

It only reads. The reports found are then bound to the incident: later ones are not part of it.
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from mappers import extension
from schemas import kinds
from schemas.errors import Rejected
from server.features.incidents.records import SelectedReport
from server.release.fuse.statements import indicator_subject
from server.release.hub import Hub
from server.release.query import lookup
from server.store import collections, inbox, log, partners, reviews, subjects, value_index
from server.store.database.engine import Tx
from server.store.database.sql import chunks
from server.store.inbox import object_id
from server.store.objects import object_ids
from server.store.objects.object_ids import PackedId
from server.store.tables import objects

MOST_REPORTS = 200_000
MOST_VALUES = 20_000
_SHORTEST_SEARCH = 3
# Rows of the inbox read at once, and the longest time of one selection: an operator's, and a partner's.
_ROWS = 5_000
_SECONDS, _SECONDS_OF_PARTNER = 60.0, 10.0
_INDICATOR = object_ids.type_number("indicator")
_MOST_NAMED = 3
# The places in the message about texts that are no values.
UNREAD = re.compile(r"number ([0-9, ]+) of the list")


class Chosen(BaseModel):
    """The conditions of a selection; a report has to meet all that are given. Moments are in microseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partner: str | None = Field(None, description="only reports of this partner")
    since: int | None = Field(None, description="only reports that the hub received at or after this moment")
    until: int | None = Field(None, description="only reports that the hub received before this moment")
    file: str | None = Field(
        None, description="only reports of this contribution: the id of a TAXII status, or of an uploaded file"
    )
    reference: str | None = Field(None, description="only reports with this reference of their partner")
    values: tuple[str, ...] = Field((), description="only reports of these values, in any spelling")
    search: str | None = Field(None, description="only reports whose value contains this text")
    kind: str | None = Field(None, description="only reports of values of this kind")
    held: str | None = Field(None, description="only reports that this rule holds, such as new-partner")

    def written(self) -> dict[str, Any]:
        """Return the conditions that are given; of the values only their number."""
        given = {name: value for name, value in self.model_dump().items() if value not in (None, ())}
        return {**given, "values": len(self.values)} if self.values else given


class Selection(NamedTuple):
    """The selected reports in the order of their arrival, and the number of values without such a report."""

    reports: Sequence[SelectedReport]
    without_report: int = 0


class _Candidate(NamedTuple):
    key: str
    subject: str | None
    received: int | None


def select_reports(hub: Hub, tx: Tx, chosen: Chosen, *, is_partners: bool = False) -> Selection:
    """Return the active reports that meet the conditions, within the time of an operator or of a partner.

    Raises ``Rejected`` with the condition to change.
    """
    _refuse_wide(chosen)
    space = None if chosen.partner is None else _space(tx, chosen.partner)
    wanted = _subjects(tx, chosen.values, hub.country) if chosen.values else None
    found: dict[str, SelectedReport] = {}
    deadline = time.monotonic() + (_SECONDS_OF_PARTNER if is_partners else _SECONDS)
    for report in _narrowed(tx, _candidates(tx, chosen, space, wanted, deadline), chosen, space, wanted):
        found[report.key] = report
        if len(found) > MOST_REPORTS:
            raise Rejected(
                "too-many-reports", f"more than {MOST_REPORTS:,} reports meet these conditions: choose a shorter time"
            )
    if not found:
        raise Rejected("no-reports", "no active report meets these conditions: change or remove one of them")
    reported = {report.subject for report in found.values()}
    ordered = sorted(found.values(), key=lambda report: (report.received, report.key))
    return Selection(ordered, len((wanted or set()) - reported))


def _refuse_wide(chosen: Chosen) -> None:
    if not chosen.written():
        raise Rejected("no-condition", "choose at least one condition, such as the partner or the time")
    if chosen.search is not None and len(chosen.search) < _SHORTEST_SEARCH:
        raise Rejected("short-search", f"search: write at least {_SHORTEST_SEARCH} characters of the value")
    if chosen.kind is not None and chosen.kind not in kinds.every():
        raise Rejected("unknown-kind", f"kind: {chosen.kind!r} is none of {', '.join(sorted(kinds.every()))}")
    if len(chosen.values) > MOST_VALUES:
        raise Rejected("too-many-values", f"values: at most {MOST_VALUES:,} at once; split the list")
    if chosen.since is not None and chosen.until is not None and chosen.since >= chosen.until:
        raise Rejected("no-time", "time: the end is not after the beginning")


def _space(tx: Tx, partner: str) -> int:
    found = partners.load_registry(tx).spaces.get(partner)
    if found is None:
        raise Rejected("unknown-partner", f"partner: there is no partner {partner!r}; scamfeed partner list names them")
    return found


def _subjects(tx: Tx, texts: Sequence[str], country: str) -> set[str]:
    """Return the values meant. Raises ``Rejected`` that names the places of the first texts that are no value."""
    with suppress(Rejected):
        return lookup.subjects(tx, texts, country)
    places: list[int] = []
    for place, text in enumerate(texts, 1):
        try:
            lookup.subjects(tx, [text], country)
        except Rejected:
            places.append(place)
        if len(places) == _MOST_NAMED:
            break
    # A text may be somebody's account: it is named by its place.
    named = ", ".join(map(str, places))
    raise Rejected(
        "not-values", f"values: no kind takes number {named} of the list; correct it, or add an account's bank"
    )


def _candidates(
    tx: Tx, chosen: Chosen, space: int | None, wanted: set[str] | None, deadline: float
) -> Iterator[list[_Candidate]]:
    """Yield the reports that may meet the conditions, from the narrowest source."""
    if wanted is not None:
        for some in chunks(sorted(wanted)):
            yield _named(key for keys in value_index.find(tx, some).values() for key in keys)
    elif chosen.file is not None:
        yield _named(_of_contribution(tx, chosen.file, space))
    elif chosen.held is not None:
        held = reviews.all_reviews(tx, "open", chosen.partner, chosen.held, limit=MOST_REPORTS + 1)
        for part in chunks(review.object_id for review in held if review.subject is None):
            yield _named(part)
    else:
        yield from _of_time(tx, chosen, space, deadline)


def _named(keys: Iterable[str]) -> list[_Candidate]:
    return [_Candidate(key, None, None) for key in keys if object_id(key).startswith("indicator--")]


def _of_contribution(tx: Tx, status: str, space: int | None) -> list[str]:
    """Return the keys of the objects of a POST or of an upload. Another partner's has none, as an unknown one."""
    found = inbox.contributed_with(tx, status)
    own = partners.space(tx, found[0]) if found is not None else None
    if found is None or (space is not None and own != space):
        return []
    return [inbox.key(own or 0, id_) for id_ in found[1]]


def _of_time(tx: Tx, chosen: Chosen, space: int | None, deadline: float) -> Iterator[list[_Candidate]]:
    """Yield the reports that the hub received in a time, from the log of the inbox."""
    o, box = objects.c, collections.get(tx, collections.INBOX)
    after, looked = (chosen.since or 0) - 1, 0
    asked = select(o.date_added, o.value, o.revoked, o.space, o.id_high, o.id_low, o.type, o.type_name, o.id_text)
    asked = asked.where(o.collection == box.log, o.latest > 0, o.type == _INDICATOR).order_by(o.date_added)
    if chosen.until is not None:
        asked = asked.where(o.date_added < chosen.until)
    while True:
        rows = tx.execute(asked.where(o.date_added > after).limit(_ROWS)).all()
        mine = [row for row in rows if row.value is not None and not row.revoked and space in (None, row.space)]
        names = subjects.names(tx, {row.value for row in mine})
        yield [
            _Candidate(object_ids.unpack(PackedId(*row[3:])), names[row.value], row.date_added)
            for row in mine
            if row.value in names
        ]
        looked += len(rows)
        if len(rows) < _ROWS:
            return
        if time.monotonic() > deadline:
            raise Rejected("too-much-to-read", f"time: {looked:,} reports were read so far; choose a shorter time")
        after = rows[-1].date_added


def _narrowed(
    tx: Tx, parts: Iterable[list[_Candidate]], chosen: Chosen, space: int | None, wanted: set[str] | None
) -> Iterator[SelectedReport]:
    """Yield the reports among the candidates that are active and meet all conditions."""
    in_file = set(_of_contribution(tx, chosen.file, space)) if chosen.file is not None else None
    for part in parts:
        named = [report for report in part if space is None or inbox.space(report.key) == space]
        named = [report for report in named if in_file is None or report.key in in_file]
        held = reviews.states(tx, [report.key for report in named]) if chosen.held is not None else {}
        if chosen.held is not None:
            named = [report for report in named if _is_held_by(held.get(report.key), chosen.held)]
        for report in _read(tx, named, chosen.reference):
            if _is_meant(report, chosen, wanted):
                yield report


def _is_held_by(review: reviews.Review | None, rule: str) -> bool:
    return review is not None and review.state == "open" and review.rule == rule


def _is_meant(report: SelectedReport, chosen: Chosen, wanted: set[str] | None) -> bool:
    kind, _, value = report.subject.partition(":")
    return (
        (wanted is None or report.subject in wanted)
        and (chosen.kind is None or kind == chosen.kind)
        and (chosen.search is None or chosen.search.casefold() in value.casefold())
        and (chosen.since is None or report.received >= chosen.since)
        and (chosen.until is None or report.received < chosen.until)
    )


def _read(tx: Tx, named: Sequence[_Candidate], reference: str | None) -> Iterator[SelectedReport]:
    """Yield the active reports, with their values; only those with the ``reference`` if one is given."""
    known = [] if reference is not None else [one for one in named if one.received is not None]
    for one in known:
        yield SelectedReport(one.key, one.subject or "", one.received or 0)
    unread = [one.key for one in named if reference is not None or one.received is None]
    box = collections.get(tx, collections.INBOX)
    for keys in chunks(unread):
        received = log.added(tx, box, keys)
        for key, item in inbox.latest(tx, keys, box).items():
            obj = msgspec.json.decode(item.body)
            subject = None if item.revoked or item.type != "indicator" else indicator_subject(obj)
            is_meant = reference is None or extension.context_of(obj).get("reference") == reference
            if subject is not None and is_meant:
                yield SelectedReport(key, subject, received[key])
