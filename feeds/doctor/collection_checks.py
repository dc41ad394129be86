"""Checks of one collection: its pages, its position, and its digest."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from feeds.doctor.findings import Findings, Unwell
from feeds.doctor.requests_to_hub import HubRequests
from schemas import timestamp
from schemas.errors import Rejected

_FIRST = "X-TAXII-Date-Added-First"
_LAST = "X-TAXII-Date-Added-Last"
_LIMIT = 3
_JSON = "application/json"
_LATE = timedelta(minutes=5)
_TELL_OPERATOR = "tell the operator: a client would lose objects here, or read them twice"


class FirstPage(NamedTuple):
    """The versions on the first page of a collection, the last ``date_added`` there, and whether more follow."""

    versions: frozenset[tuple[str, str]]
    last: str | None
    more: bool


def check_paging(findings: Findings, hub: HubRequests, name: str, url: str) -> FirstPage:
    """Read two small pages, which must follow each other. Raises ``Unwell``."""
    check = f"{name}: paging"
    page, headers = hub.read(url, limit=_LIMIT)
    first = _versions(page)
    if len(page.get("objects") or ()) > _LIMIT:
        findings.note(check, "the server returns more than it was asked for", "ask for pages of the server's own size")
    last = headers.get(_LAST)
    if first and (last is None or headers.get(_FIRST) is None):
        findings.note(check, f"no {_LAST} header", "a client has to keep the position by `next` alone")
    if not page.get("more"):
        findings.ok(check, f"{len(first)} objects, on one page" if first else "nothing is in it yet")
        return FirstPage(first, last, more=False)
    if not page.get("next"):
        raise Unwell("there is more, and no `next` to ask for it", _TELL_OPERATOR)
    following, after = hub.read(url, limit=_LIMIT, next=str(page["next"]))
    second = _versions(following)
    if not second:
        raise Unwell("an empty page comes after `more: true`", _TELL_OPERATOR)
    if first & second:
        raise Unwell("two pages share objects", _TELL_OPERATOR)
    if last and _before(after.get(_FIRST), last):
        raise Unwell("a page begins before the end of the one before it", _TELL_OPERATOR)
    findings.ok(check, "two pages follow each other")
    return FirstPage(first, last, more=True)


def check_added_after(findings: Findings, hub: HubRequests, name: str, url: str, page: FirstPage) -> None:
    """Ask from a position on: what came before it must not come again. Raises ``Unwell``."""
    check = f"{name}: added_after"
    if page.last is None:
        findings.skip(check, "there is no position to go on from yet")
        return
    found, _ = hub.read(url, limit=_LIMIT, added_after=page.last)
    if page.versions & _versions(found):
        raise Unwell("what was added before `added_after` comes again", _TELL_OPERATOR)
    if page.more and not found.get("objects"):
        raise Unwell("what was added after `added_after` does not come", _TELL_OPERATOR)
    findings.ok(check, "a client that stops can go on where it was")


def check_digest(findings: Findings, hub: HubRequests, name: str, url: str) -> None:
    """Ask for the digest, by which a copy knows that it is whole, and for the heartbeat in it. Raises ``Unwell``."""
    check = f"{name}: digest"
    answer = hub.ask(url, _JSON)
    if answer.status in (404, 405, 406):
        findings.note(check, "this server states none", "a copy is compared by reading the collection whole again")
        return
    if answer.status == 503:
        findings.note(check, "the hub is still counting", "ask again in a minute")
        return
    document, _ = hub.read(url, _JSON)
    if not isinstance(document.get("active"), int) or not isinstance(document.get("digest"), str):
        raise Unwell("the digest cannot be read", "tell the operator; is a proxy changing the answers?")
    findings.ok(check, f"{document['active']:,} active")
    _check_heartbeat(findings, name, document.get("heartbeat"))


def _check_heartbeat(findings: Findings, name: str, stated: Any) -> None:
    check = f"{name}: heartbeat"
    if stated is None:
        findings.note(check, "the hub does not say up to when the collection is current")
        return
    try:
        age = datetime.now(UTC) - timestamp.parse(str(stated))
    except Rejected:
        findings.note(check, "the heartbeat is no time")
        return
    if age > _LATE:
        findings.wrong(
            check,
            f"the collection was last known to be current {age.total_seconds() / 60:.0f} minutes ago",
            "tell the operator: its server, its schedule or its replica stands still, or large work goes on; "
            "until then take care with what you do not find",
        )
    else:
        findings.ok(check, f"current {max(0, age.total_seconds()):.0f} s ago")


def _versions(page: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (str(obj.get("id")), str(obj.get("modified") or obj.get("created") or ""))
        for obj in page.get("objects") or ()
        if isinstance(obj, dict)
    )


def _before(text: str | None, other: str) -> bool:
    try:
        return text is not None and timestamp.parse(text) < timestamp.parse(other)
    except Rejected:
        return False
