"""The plan of an erasure: the value, its traces, and the partners that have not yet read its revocation."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from mappers import ids
from mappers.indicator import to_stix
from mappers.report_reader import from_stix
from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import PartnerKind
from schemas.refang import refang
from schemas.request import RequestState, RequestWord
from server.features.requests import records as requests, views
from server.features.requests.records import StoredRequest
from server.operations.dual_control import NotAllowed
from server.release.query import lookup
from server.release.traces import HUB, ValueTraces
from server.store import collections, inbox, listings, log, partners, retractions, subjects, value_index
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.item import PLAIN
from server.store.objects import log_rows
from server.store.proposals.proposals import Effect

_MOST_NAMED = 20
_DAY = 86_400 * 1_000_000
_ENDED = (RequestState.DISAGREED, RequestState.DONE, RequestState.CLOSED)


class StillAsked(NotAllowed):
    """Requests between institutions about the value delay its erasure, for some days or as long as police require."""


class NothingKnown(ValueError):
    """The hub has no data about the value."""


class Delay(NamedTuple):
    """An open request that delays the erasure, and until when (microseconds); ``by_law`` if police require it."""

    request: str
    until: int
    by_law: bool


@dataclass(frozen=True)
class ErasurePlan:
    """The subject of an erasure: the values by their names, their traces, and facts for the persons who decide."""

    subjects: tuple[str, ...]
    traces: ValueTraces
    reports: int
    spaces: tuple[int, ...]
    versions: int
    active: tuple[str, ...]
    unread: tuple[str, ...]
    annotations: int
    requests: tuple[StoredRequest, ...]
    police: frozenset[str]
    owned_by: tuple[str, ...]

    @property
    def kinds(self) -> str:
        """Return the kinds of the values."""
        return ", ".join(sorted({subject.partition(":")[0] for subject in self.subjects}))

    @property
    def open_requests(self) -> list[StoredRequest]:
        """Return the open requests; the erasure closes them."""
        return [request for request in self.requests if request.state not in _ENDED or request.hold_until is not None]

    def delays(self, proposed: int, wait_days: int) -> list[Delay]:
        """Return the requests that delay an erasure ``proposed`` at that time, the longest delay first.

        Requests that were already open delay it for ``wait_days``, later ones do not. Data that police asked to
        preserve stays until the time that they named, no matter when they asked.
        """
        found = []
        for request in self.open_requests:
            if (kept := self._kept_by_law(request)) is not None:
                found.append(Delay(request.id, kept, by_law=True))
            elif request.opened <= proposed and request.state != RequestState.HELD:
                # A held request has reached no institution that could wait for it.
                found.append(Delay(request.id, proposed + wait_days * _DAY, by_law=False))
        return sorted(found, key=lambda delay: (-delay.until, delay.request))

    def _kept_by_law(self, request: StoredRequest) -> int | None:
        """Return until when police keep the value by a request, if they do."""
        if request.hold_until is not None:
            return request.hold_until
        if request.sender in self.police and views.request_of(request).asks is RequestWord.PRESERVE:
            return request.deadline
        return None


def subjects_of(tx: Tx, text: str, kind: str | None = None) -> list[str]:
    """Return the names of the values that a text means in any spelling: stored values, or values of ``kind`` if given.

    Raises ``Rejected`` for a text that is not a value, ``NothingKnown`` if the hub has no data about it.
    """
    if kind is not None:
        return [value_index.subject_of(kind, kinds.get(kind).normalise(refang(text)).value)]
    stored = sorted(subjects.numbers(tx, lookup.subjects(tx, [text])))
    if not stored:
        raise NothingKnown("the hub has no data about this value; if a text mentions it, give its --kind")
    return stored


def of(tx: Tx, names: Collection[str]) -> ErasurePlan:
    """Return the plan to erase these values, which stay locked until the transaction ends."""
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
        spaces=tuple(sorted({inbox.space(key) for key in reports})),
        versions=versions,
        active=tuple(sorted(_active(tx, listed))),
        unread=tuple(_unread(tx, listed)),
        annotations=len(mentioning),
        requests=tuple(_requests(tx, names)),
        police=frozenset(_police(tx, names)),
        owned_by=tuple(sorted(set(value_index.owners_of(tx, names).values()))),
    )


def lines(plan: ErasurePlan, reason: str) -> list[Effect]:
    """Return the basis that the second person confirms; if it changes, the proposal is void."""
    told = [Effect("erase", {"subject": subject}) for subject in plan.subjects]
    return [*told, Effect("reason", {"reason": reason}), Effect("erase-held"), Effect("erase-for-ever")]


def basis(plan: ErasurePlan) -> list[Sequence[str | int]]:
    """Return the subject of the plan: the values, and the partners whose reports are erased.

    A new report by one of these partners does not void the proposal; otherwise it could block the erasure for ever.
    """
    return [plan.subjects, plan.spaces]


def asides(plan: ErasurePlan, delays: Sequence[Delay]) -> list[Effect]:
    """Return the present effects and delays, which may have changed when the second person confirms."""
    told = [Effect("erase-reports", {"reports": plan.reports, "partners": len(plan.spaces), "versions": plan.versions})]
    told.append(Effect("erase-mentions", {"mentions": plan.annotations}))
    if len(plan.requests) > len(plan.open_requests):
        told.append(Effect("erase-requests", {"requests": len(plan.requests) - len(plan.open_requests)}))
    told += _told_of_delays(delays)
    if plan.active:
        told.append(Effect("erase-listed", {"collections": list(plan.active)}))
    if plan.owned_by:
        told.append(Effect("erase-owned", {"partners": list(plan.owned_by)}))
    return [*told, *_told_of_unread(plan)]


def check(delays: Iterable[Delay], moment: int) -> None:
    """Check that nothing delays an erasure any longer. Raises ``StillAsked``."""
    left = [delay for delay in delays if delay.until > moment]
    if left:
        named = ", ".join(delay.request for delay in left[:_MOST_NAMED])
        raise StillAsked(
            "requests between institutions about it are open; close them, or confirm it after "
            f"{stamp(left[0].until)}: {named}"
        )


def _told_of_delays(delays: Sequence[Delay]) -> list[Effect]:
    by_law = [delay for delay in delays if delay.by_law]
    others = [delay for delay in delays if not delay.by_law]
    told = [
        Effect("erase-kept-by-police", {"request": delay.request, "until": stamp(delay.until)})
        for delay in by_law[:_MOST_NAMED]
    ]
    if others:
        told.append(Effect("erase-open-requests", {"requests": len(others), "until": stamp(others[0].until)}))
    return told


def _told_of_unread(plan: ErasurePlan) -> list[Effect]:
    """Return the partners that have not yet read the value's revocation."""
    if not plan.unread:
        return []
    named, more = list(plan.unread[:_MOST_NAMED]), len(plan.unread) - _MOST_NAMED
    if more > 0:
        return [Effect("erase-unread-more", {"partners": named, "more": more})]
    return [Effect("erase-unread", {"partners": named})]


def _add_basis(tx: Tx, reports: Iterable[str], found: dict[int, set[str]]) -> None:
    """Add the ids of the observables, relationships and texts that this project derives from reports."""
    for key, item in inbox.latest(tx, reports).items():
        space, obj = inbox.space(key), msgspec.json.decode(item.body)
        mine = found.setdefault(space, set())
        mine.add(ids.language_content(item.id))
        for observable in _observables(obj):
            mine |= {observable, ids.relationship("based-on", item.id, observable)}


def _requests(tx: Tx, names: Iterable[str]) -> list[StoredRequest]:
    """Return the requests between institutions about these values, the oldest first."""
    ids = [id_ for name in names for id_ in requests.of_subject(tx, name)]
    return sorted(requests.find(tx, ids).values(), key=lambda request: (request.opened, request.id))


def _police(tx: Tx, names: Iterable[str]) -> set[str]:
    """Return the partners whose duty to preserve data takes precedence: governments with authority for the kind."""
    kinds_ = {name.partition(":")[0] for name in names}
    found = partners.load_registry(tx).partners.values()
    return {
        partner.name
        for partner in found
        if partner.kind is PartnerKind.GOVERNMENT and not kinds_.isdisjoint(partner.authority)
    }


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
