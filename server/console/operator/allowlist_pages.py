"""The page of the allowlists: which there are, which would hold a value, and what operators entered by hand."""

from typing import Any

from flask import Response

from schemas.errors import Rejected
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.guard.allowlists import entered
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.guard.allowlists.entered import LONGEST_REASON, MOST_DAYS, BadEntry
from server.release.guard.allowlists.sizes import sizes
from server.release.guard.try_value import try_value
from server.store.allowlist import entries
from server.store.allowlist.entries import TooManyEntries, UnknownEntry

_PAGE = 100
_NO_VALUE = mark("This is no value of any kind: write a domain, a page, an account, a wallet, a number and so on.")
_NO_ENTRY = mark(
    "The entry is not as it has to be: a value, a reason without anybody’s name or number, and hosts below for domains "
    "alone."
)
_GONE = mark("There is no such entry.")
_FULL = mark("There are as many entries as there can be. Remove some, or load them as a list.")


def show(visit: Visit) -> Response:
    """Show the lists and the entries."""
    return _page(visit)


def try_one(visit: Visit) -> Response:
    """Show which list would hold a value; the value is in no address and no log."""
    value, hub = visit.field("value"), visit.site.hub
    try:
        with hub.store.read() as tx:
            found = try_value(hub, tx, value)
    except Rejected:
        return _page(visit, _NO_VALUE, 422, tested=value)
    return _page(visit, tested=value, found=found)


def add(visit: Visit) -> Response:
    """Enter a value as harmless, with a reason, and an end or none."""
    days = visit.field("days")
    if days and not (days.isdecimal() and len(days) < 6):
        return _page(visit, _NO_ENTRY, 422)
    try:
        entry = entered.entry_of(
            visit.field("value"),
            visit.field("reason"),
            visit.known_user.name,
            days=int(days) if days else None,
            below=bool(visit.field("below")),
        )
        with visit.site.hub.store.begin() as tx:
            entered.add(tx, entry)
    except BadEntry:
        return _page(visit, _NO_ENTRY, 422)
    except TooManyEntries:
        return _page(visit, _FULL, 422)
    return visit.go("/console/allowlists")


def remove(visit: Visit) -> Response:
    """Remove an entry: later reports of its value pass."""
    try:
        with visit.site.hub.store.begin() as tx:
            entered.remove(tx, visit.field("subject"), visit.known_user.name)
    except UnknownEntry:
        raise PageRefused(404, _GONE) from None
    return visit.go("/console/allowlists")


def _page(visit: Visit, problem: str = "", status: int = 200, **more: Any) -> Response:
    asked = visit.request.args.get("skip", "")
    skip = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
    with visit.site.hub.store.read() as tx:
        kept = entries.page(tx, skip, _PAGE + 1)
    rows = [(*entry.subject.partition(":")[::2], entry) for entry in kept[:_PAGE]]
    following = skip + _PAGE if len(kept) > _PAGE else 0
    lists = sizes(visit.site.settings.lists_folder)
    values = {"tested": "", "found": None, **more}
    is_refused = bool(problem) and not values["tested"]
    given = {name: visit.field(name) if is_refused else "" for name in ("value", "reason", "days", "below")}
    return visit.page(
        "operator/allowlists.html",
        status,
        problem=problem,
        rows=rows,
        following=following,
        lists=lists,
        contents={allowlist.name: allowlist.what for allowlist in ALLOWLISTS.values()},
        given=given,
        longest=LONGEST_REASON,
        most_days=MOST_DAYS,
        **values,
    )
