"""The pages of the audit trail: a search, and the same as a file."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode

import orjson
from flask import Response

from server.console.downloads import csv_line
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store import Store, audit
from server.store.audit import AuditEntry, TrailPlace
from server.store.database.times import stamp

_NO_FORM = mark("Choose CSV or JSON lines.")
_FIELDS = ("partner", "by", "method", "route")
COLUMNS = (
    *("first", "last", "requests", "partner", "by", "method", "route", "collection", "status", "objects"),
    *("reference", "chain", "number", "hash"),
)
# What one file has at most, and how many times some thousand entries are looked through for it.
MOST_ROWS, MOST_STEPS = 100_000, 400


def show(visit: Visit) -> Response:
    """Show a page of the audit trail, the newest first, as far as it was looked through."""
    wanted = {name: visit.request.args.get(name, "")[:200] for name in _FIELDS}
    with visit.site.hub.store.read() as tx:
        found, place = audit.search(tx, **wanted, before=_place(visit.request.args.get("before", "")))
    following = ""
    if place is not None:
        following = "/console/audit?" + urlencode({**wanted, "before": ".".join(map(str, place))})
    return visit.page("operator/audit.html", found=found, wanted=wanted, place=place, following=following)


def export(visit: Visit) -> Response:
    """Send what a search finds as a file, while it is looked for; who took it is in the trail.

    The last line says where to go on, where there is more.
    """
    form = visit.field("form")
    if form not in ("csv", "jsonl"):
        raise PageRefused(422, _NO_FORM)
    wanted = {name: visit.field(name, 200) for name in _FIELDS}
    store = visit.site.hub.store
    with store.begin() as tx:
        note(tx, "EXPORT", "audit", visit.known_user, None)
    before = visit.field("before", 200)
    if form == "csv":
        return visit.download(_as_csv(_entries(store, wanted, before)), "text/csv; charset=utf-8", "audit.csv")
    return visit.download(lines_of(store, wanted, before), "application/jsonl", "audit.jsonl")


def lines_of(store: Store, wanted: Mapping[str, str], before: str = "", *, most: int = MOST_ROWS) -> Iterator[bytes]:
    """Yield what a search finds ``before`` a place as JSON lines; the last one says where to go on after ``most``."""
    for entry in _entries(store, wanted, before, most):
        if isinstance(entry, TrailPlace):
            yield orjson.dumps({"more": _text_of(entry)}) + b"\n"
        else:
            yield orjson.dumps(dict(zip(COLUMNS, _row(entry), strict=True))) + b"\n"


def _as_csv(entries: Iterable[AuditEntry | TrailPlace]) -> Iterator[bytes]:
    yield csv_line(COLUMNS)
    for entry in entries:
        yield csv_line(("more", _text_of(entry)) if isinstance(entry, TrailPlace) else _row(entry))


def _entries(
    store: Store, wanted: Mapping[str, str], given: str, most: int = MOST_ROWS
) -> Iterator[AuditEntry | TrailPlace]:
    """Yield what is found, and at last the place to go on from, where there is more; no transaction stays open."""
    rows, before = 0, _place(given)
    for _ in range(MOST_STEPS):
        with store.read() as tx:
            found, before = audit.search(tx, **wanted, before=before)
        yield from found
        rows += len(found)
        if before is None:
            return
        if rows >= most:
            break
    if before is not None:
        yield before


def _row(entry: AuditEntry) -> tuple[object, ...]:
    event = entry.event
    about = (event.partner, event.remote, event.method, event.route, event.collection, event.status, event.objects)
    moments = (stamp(event.first), stamp(event.last), event.requests)
    return (*moments, *about, event.reference, entry.chain, entry.number, entry.hash)


def _text_of(place: TrailPlace) -> str:
    return ".".join(map(str, place))


def _place(given: str) -> TrailPlace | None:
    first, _, rest = given[:200].partition(".")
    chain, _, number = rest.rpartition(".")
    try:
        return TrailPlace(int(first), chain, int(number)) if chain and len(first) < 18 and len(number) < 19 else None
    except ValueError:
        return None
