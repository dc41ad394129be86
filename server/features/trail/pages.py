"""The pages of the audit trail: a search, and its result as a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta

import orjson
from flask import Response

from server.features.trail import words
from server.features.trail.operations import ExportTrail
from server.operations.rights import ANALYSTS
from server.operations.run import run
from server.store import Store, audit_search, partners
from server.store.audit import AuditEntry
from server.store.audit_search import TrailFilter, TrailPlace
from server.store.database.times import stamp
from server.store.operators import users
from server.web.shell.languages import Language
from server.web.shell.lists import LONGEST, asked, csv_line, link
from server.web.shell.routes import FORM, HUB, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_NO_FORM = mark("Choose CSV or JSON lines.")
_NO_DATE = mark("A day is written as year, month and day, such as 2026-11-30.")
_FIELDS = ("from", "to", "by", "partner", "method", "route", "only")
COLUMNS = (
    *("first", "last", "requests", "partner", "by", "method", "route", "collection", "status", "objects"),
    *("reference", "chain", "number", "hash"),
)
# The maximum number of rows of a file, and of steps of some thousand entries.
MOST_ROWS, MOST_STEPS = 100_000, 400


def show(visit: Visit) -> Response:
    """Show a page of the audit trail, the newest first, up to the examined position."""
    given = {name: asked(visit, name) for name in _FIELDS}
    with visit.site.hub.store.read() as tx:
        found, place = audit_search.search(tx, _filter(visit, given), before=_place(asked(visit, "before")))
        known = {
            "partner": [partner.name for partner in partners.all_partners(tx)],
            "by": [user.name for user in users.all_users(tx)],
        }
    following = "" if place is None else link(visit.request.path, **given, before=_text_of(place))
    return visit.page(
        "operator/audit.html",
        found=found,
        wanted=given,
        known=known,
        place=place,
        following=following,
        words=words,
        actions=_choices(visit, words.action, words.ACTIONS, given["method"]),
        objects=_choices(visit, words.target, words.OBJECTS, given["route"]),
        only=words.ONLY,
    )


def _choices(
    visit: Visit, say: Callable[[Language, str], str], codes: Iterable[str], given: str
) -> list[tuple[str, str]]:
    """Return the codes to choose from with their words, in the order of the words; the given one is among them."""
    found = {code: say(visit.language, code) for code in (*codes, *([given] if given else []))}
    return sorted(found.items(), key=lambda choice: (choice[1].casefold(), choice[0]))


def export(visit: Visit) -> Response:
    """Stream the result of a search as a file, and record the export.

    The last line has the position of further entries, if any.
    """
    form = visit.field("form")
    if form not in ("csv", "jsonl"):
        raise PageRefused(422, _NO_FORM)
    wanted = _filter(visit, {name: visit.field(name, LONGEST) for name in _FIELDS})
    store = visit.site.hub.store
    run(visit.site.hub, ExportTrail(), visit.actor)
    before = visit.field("before", LONGEST)
    if form == "csv":
        return visit.file(_as_csv(_entries(store, wanted, before)), "audit.csv", "text/csv; charset=utf-8")
    return visit.file(lines_of(store, wanted, before), "audit.jsonl", "application/jsonl")


def _filter(visit: Visit, given: Mapping[str, str]) -> TrailFilter:
    """Return the filter of the fields; the days are of the zone of the pages. Raises ``PageRefused``."""
    try:
        first, last = (date.fromisoformat(given[name]) if given[name] else None for name in ("from", "to"))
        since = None if first is None else visit.language.beginning(first)
        until = None if last is None else visit.language.beginning(last + timedelta(days=1))
    except (ValueError, OverflowError):
        raise PageRefused(422, _NO_DATE) from None
    texts = {name: given[name] for name in ("partner", "by", "method", "route")}
    only = given["only"]
    return TrailFilter(**texts, since=since, until=until, only=only if only in words.ONLY else "")  # type: ignore[arg-type]  # as ONLY has them


def lines_of(store: Store, wanted: TrailFilter, before: str = "", *, most: int = MOST_ROWS) -> Iterator[bytes]:
    """Yield the entries found ``before`` a position as JSON lines; after ``most``, the last line has the next one."""
    for entry in _entries(store, wanted, before, most):
        if isinstance(entry, TrailPlace):
            yield orjson.dumps({"more": _text_of(entry)}) + b"\n"
        else:
            yield orjson.dumps(dict(zip(COLUMNS, _row(entry), strict=True))) + b"\n"


def _as_csv(entries: Iterable[AuditEntry | TrailPlace]) -> Iterator[bytes]:
    yield csv_line(COLUMNS)
    for entry in entries:
        yield csv_line(("more", _text_of(entry)) if isinstance(entry, TrailPlace) else _row(entry))


def _entries(store: Store, wanted: TrailFilter, given: str, most: int = MOST_ROWS) -> Iterator[AuditEntry | TrailPlace]:
    """Yield the entries found, then the position of further ones, if any; no transaction stays open."""
    rows, before = 0, _place(given)
    for _ in range(MOST_STEPS):
        with store.read() as tx:
            found, before = audit_search.search(tx, wanted, before=before)
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


ROUTES = (
    Route("/console/audit", ANALYSTS, show, tab=Tab(HUB, 3, mark("Audit trail"))),
    Route("/console/audit/export", may_run(ExportTrail), export, methods=FORM),
)
