"""The page of the allowlists: the lists, a test of a value against them, and the entries that operators added."""

from collections.abc import Sequence
from typing import Any

from flask import Response

from schemas.errors import Rejected
from server.features.allowlists.operations import AddAllowlistEntry, RemoveAllowlistEntry
from server.operations.rights import VIEWERS
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.guard.allowlists.entered import LONGEST_REASON, MOST_DAYS, BadEntry
from server.release.guard.allowlists.sizes import ListSize, sizes
from server.release.guard.try_value import try_value
from server.store.allowlist import entries
from server.store.allowlist.entries import TooManyEntries, UnknownEntry
from server.web.shell.forms import Refusals, go_on, submit
from server.web.shell.hub_texts import short_reason, word_text
from server.web.shell.routes import FORM, RULES, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

_PAGE = 100
_NO_VALUE = mark("This is no value of any kind: write a domain, a page, an account, a wallet, a number and so on.")
_NO_ENTRY = mark(
    "The entry is not as it has to be: a value, a reason without anybody’s name or number, and hosts below for domains "
    "alone."
)
_GONE = mark("There is no such entry.")
_FULL = mark("There are as many entries as there can be. Remove some, or load them as a list.")
_REFUSALS: Refusals = {
    **dict.fromkeys((BadEntry, Rejected), (422, _NO_ENTRY)),
    TooManyEntries: (422, _FULL),
    UnknownEntry: (404, _GONE),
}


def show(visit: Visit) -> Response:
    """Show the lists and the entries."""
    return _page(visit)


def try_one(visit: Visit) -> Response:
    """Show the lists that would hold a value; the value is in no address and no log."""
    value, hub = visit.field("value"), visit.site.hub
    try:
        with hub.store.read() as tx:
            found = try_value(hub, tx, value)
    except Rejected:
        return _page(visit, _NO_VALUE, 422, tested=value)
    return _page(visit, tested=value, found=found)


def add(visit: Visit) -> Response:
    """Add a value as harmless, with a reason and an optional end."""
    days = visit.field("days")
    if days and not (days.isdecimal() and len(days) < 6):
        return _page(visit, _NO_ENTRY, 422)
    operation = AddAllowlistEntry(
        value=visit.field("value"),
        reason=visit.field("reason"),
        days=int(days) if days else None,
        below=bool(visit.field("below")),
    )
    try:
        done = submit(visit, operation, _REFUSALS)
    except PageRefused as refused:
        return _page(visit, refused.text, refused.status)
    return go_on(visit, done, "/console/allowlists")


def remove(visit: Visit) -> Response:
    """Remove an entry: later reports of its value pass."""
    submit(visit, RemoveAllowlistEntry(subject=visit.field("subject")), _REFUSALS)
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
        groups=_groups(visit, lists),
        contents={name: word_text(visit.language, name) for name in ALLOWLISTS},
        given=given,
        longest=LONGEST_REASON,
        most_days=MOST_DAYS,
        **values,
    )


def _groups(visit: Visit, lists: Sequence[ListSize]) -> list[tuple[str, list[ListSize]]]:
    """Return the lists by the reason why their values are harmless, in a word or two."""
    found: dict[str, list[ListSize]] = {}
    for each in lists:
        found.setdefault(short_reason(visit.language, each.name), []).append(each)
    return sorted(found.items(), key=lambda group: -sum(each.entries for each in group[1]))


ROUTES = (
    Route("/console/allowlists", VIEWERS, show, tab=Tab(RULES, 3, mark("Allowlists"))),
    Route("/console/allowlists/test", VIEWERS, try_one, methods=FORM),
    Route("/console/allowlists/add", may_run(AddAllowlistEntry), add, methods=FORM),
    Route("/console/allowlists/remove", may_run(RemoveAllowlistEntry), remove, methods=FORM),
)
