"""The plan of an erasure: which value is meant, what stands of it, and who has not read yet that it was withdrawn."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from mappers import ids
from mappers.indicator import from_stix, to_stix
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.request import RequestState
from server.release.erasure.traces import HUB, ValueTraces
from server.release.query import lookup
from server.store import collections, inbox, listings, log, retractions, subjects, value_index
from server.store.database.engine import Tx
from server.store.erasure import log_rows
from server.store.objects.parts import PLAIN
from server.store.proposals.proposals import Effect
from server.store.requests import requests

_MOST_NAMED = 20
_ENDED = (RequestState.DISAGREED, RequestState.DONE, RequestState.CLOSED)


class StillAsked(ValueError):
    """A request between institutions about the value is open: it may hold money, and somebody waits for an answer."""


class NothingKnown(ValueError):
    """Nothing is stored of the value."""


@dataclass(frozen=True)
class ErasurePlan:
    """The subject of an erasure: the values by their names, their traces, and what people should know."""

    subjects: tuple[str, ...]
    traces: ValueTraces
    reports: int
    reporters: int
    versions: int
    active: tuple[str, ...]
    unread: tuple[str, ...]
    annotations: int
    requests: int
    owned_by: tuple[str, ...]

    @property
    def kinds(self) -> str:
        """Return the kinds of the values."""
        return ", ".join(sorted({subject.partition(":")[0] for subject in self.subjects}))


def subjects_of(tx: Tx, text: str, kind: str | None = None) -> list[str]:
    """Return the names of the values that a text means in any spelling: stored ones, or of one kind where it is given.

    Raises ``Rejected`` for a text that is no value, ``NothingKnown`` where nothing is stored of it.
    """
    if kind is not None:
        return [value_index.subject_of(kind, kinds.get(kind).normalise(refang(text)).value)]
    stored = sorted(subjects.numbers(tx, lookup.subjects(tx, [text])))
    if not stored:
        raise NothingKnown("nothing is stored of this value; if a text mentions it, give its --kind")
    return stored


def of(tx: Tx, names: Collection[str]) -> ErasurePlan:
    """Return the plan to erase these values, which stay locked until the transaction ends. Raises ``StillAsked``."""
    value_index.lock(tx, subjects.numbers(tx, names))
    keys = {key for of_value in value_index.find(tx, names).values() for key in of_value}
    reports = {key for key in keys if inbox.object_id(key).startswith("indicator--")}
    listed = {id_ for name in names for id_ in listings.ids(tx, name)}
    mentioning = {key for of_id in value_index.find(tx, reports | listed).values() for key in of_id} | keys - reports
    found: dict[int, set[str]] = {HUB: set(listed)}
    for key in reports:
        found.setdefault(inbox.space(key), set()).add(inbox.object_id(key))
    versions = 0
    for row in log_rows.of_values(tx, subjects.numbers(tx, names).values()):
        versions += 1
        found[HUB] |= set(row.along.values()) if not row.names.space else set()
    _add_basis(tx, reports, found)
    traces = ValueTraces.of(names, found)
    return ErasurePlan(
        subjects=tuple(sorted(names)),
        traces=traces,
        reports=len(reports),
        reporters=len({inbox.space(key) for key in reports}),
        versions=versions,
        active=tuple(sorted(_active(tx, listed))),
        unread=tuple(_unread(tx, listed)),
        annotations=len(mentioning),
        requests=_requests(tx, names),
        owned_by=tuple(sorted(set(value_index.owners_of(tx, names).values()))),
    )


def lines(plan: ErasurePlan, reason: str) -> list[Effect]:
    """Return the plan as people read it before they confirm it."""
    counted = {"reports": plan.reports, "partners": plan.reporters, "versions": plan.versions}
    told = [Effect("erase", {"subject": subject}) for subject in plan.subjects]
    told += [Effect("reason", {"reason": reason}), Effect("erase-reports", counted)]
    told.append(Effect("erase-mentions", {"mentions": plan.annotations}))
    if plan.requests:
        told.append(Effect("erase-requests", {"requests": plan.requests}))
    if plan.active:
        told.append(Effect("erase-listed", {"collections": list(plan.active)}))
    if plan.owned_by:
        told.append(Effect("erase-owned", {"partners": list(plan.owned_by)}))
    return [*told, Effect("erase-held"), Effect("erase-for-ever")]


def asides(plan: ErasurePlan) -> list[Effect]:
    """Return who has not read yet that the value was withdrawn: that changes from poll to poll."""
    if not plan.unread:
        return []
    named, more = list(plan.unread[:_MOST_NAMED]), len(plan.unread) - _MOST_NAMED
    if more > 0:
        return [Effect("erase-unread-more", {"partners": named, "more": more})]
    return [Effect("erase-unread", {"partners": named})]


def _add_basis(tx: Tx, reports: Iterable[str], found: dict[int, set[str]]) -> None:
    """Add the ids of the observables, relationships and texts that come with reports, as this project makes them."""
    for key, item in inbox.latest(tx, reports).items():
        space, obj = inbox.space(key), msgspec.json.decode(item.body)
        mine = found.setdefault(space, set())
        mine.add(ids.language_content(item.id))
        for observable in _observables(obj):
            mine |= {observable, ids.relationship("based-on", item.id, observable)}


def _requests(tx: Tx, names: Iterable[str]) -> int:
    """Count the requests between institutions about these values. Raises ``StillAsked``."""
    ids = [id_ for name in names for id_ in requests.of_subject(tx, name)]
    found = requests.find(tx, ids).values()
    open_ = sorted(request.id for request in found if request.hold_until is not None or request.state not in _ENDED)
    if open_:
        raise StillAsked(f"requests between institutions about it are open; close them first: {', '.join(open_)}")
    return len(ids)


def _observables(obj: dict[str, object]) -> list[str]:
    try:
        report = from_stix(obj)
    except Rejected:
        return []
    return [made["id"] for made in to_stix(report) if "created" not in made]


def _active(tx: Tx, listed: set[str]) -> set[str]:
    """Return the aliases of the collections that have one of these listings, not revoked."""
    found = set()
    for collection in collections.all_collections(tx):
        if collection.filled_by_release and collection.part == PLAIN:
            items = log.latest(tx, collection, listed).values()
            if any(not item.revoked for item in items):
                found.add(collection.alias)
    return found


def _unread(tx: Tx, listed: set[str]) -> list[str]:
    """Return the partners that have one of these listings and do not know of its revocation."""
    open_ = retractions.all_receipts(tx, only_open=True, limit=None)
    return sorted({receipt.partner for receipt in open_ if receipt.object_id in listed})
