"""A check-up of one hub, in the steps of a client: from its name in DNS to the digest of a collection."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from feeds.client.doctor.network import (
    Findings,
    HubRequests,
    Unwell,
    check_address,
    check_connection,
    check_name,
    check_tls,
)
from feeds.transport.client import LoginSettings
from feeds.transport.connections import folder_url
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
    """Read two small pages, which must be consecutive. Raises ``Unwell``."""
    check = f"{name}: paging"
    page, headers = hub.read(url, limit=_LIMIT)
    first = _versions(page)
    if len(page.get("objects") or ()) > _LIMIT:
        findings.note(check, "the server returns more objects than requested", "request pages of the server's own size")
    last = headers.get(_LAST)
    if first and (last is None or headers.get(_FIRST) is None):
        findings.note(check, f"no {_LAST} header", "a client can only store `next` as its position")
    if not page.get("more"):
        findings.ok(check, f"{len(first)} objects, on one page" if first else "it is empty")
        return FirstPage(first, last, more=False)
    if not page.get("next"):
        raise Unwell("there is another page, but no `next`", _TELL_OPERATOR)
    following, after = hub.read(url, limit=_LIMIT, next=str(page["next"]))
    second = _versions(following)
    if not second:
        raise Unwell("an empty page follows `more: true`", _TELL_OPERATOR)
    if first & second:
        raise Unwell("two pages share objects", _TELL_OPERATOR)
    if last and _before(after.get(_FIRST), last):
        raise Unwell("a page begins before the end of the previous page", _TELL_OPERATOR)
    findings.ok(check, "two pages are consecutive")
    return FirstPage(first, last, more=True)


def check_added_after(findings: Findings, hub: HubRequests, name: str, url: str, page: FirstPage) -> None:
    """Read from a position: earlier objects must not be repeated. Raises ``Unwell``."""
    check = f"{name}: added_after"
    if page.last is None:
        findings.skip(check, "there is no position to continue from yet")
        return
    found, _ = hub.read(url, limit=_LIMIT, added_after=page.last)
    if page.versions & _versions(found):
        raise Unwell("objects added before `added_after` are repeated", _TELL_OPERATOR)
    if page.more and not found.get("objects"):
        raise Unwell("objects added after `added_after` are missing", _TELL_OPERATOR)
    findings.ok(check, "a client can stop and continue at its position")


def check_digest(findings: Findings, hub: HubRequests, name: str, url: str) -> None:
    """Read the digest, which shows a copy that it is complete, and the heartbeat in it. Raises ``Unwell``."""
    check = f"{name}: digest"
    answer = hub.ask(url, _JSON)
    if answer.status in (404, 405, 406):
        findings.note(
            check, "this server has no digest", "a copy can only be compared by reading the whole collection again"
        )
        return
    if answer.status == 503:
        findings.note(check, "the hub is still computing it", "try again in a minute")
        return
    document, _ = hub.read(url, _JSON)
    if not isinstance(document.get("active"), int) or not isinstance(document.get("digest"), str):
        raise Unwell("the digest cannot be read", "tell the operator; is a proxy changing the answers?")
    listings, objects = document.get("listings"), f"{document['active']:,} objects are active"
    findings.ok(check, f"{listings:,} listings; {objects}" if isinstance(listings, int) else objects)
    _check_heartbeat(findings, name, document.get("heartbeat"))


def _check_heartbeat(findings: Findings, name: str, stated: Any) -> None:
    check = f"{name}: heartbeat"
    if stated is None:
        findings.note(check, "the hub does not state up to when the collection is current")
        return
    try:
        age = datetime.now(UTC) - timestamp.parse(str(stated))
    except Rejected:
        findings.note(check, "the heartbeat is not a time")
        return
    if age > _LATE:
        findings.wrong(
            check,
            f"the collection was last known to be current {age.total_seconds() / 60:.0f} minutes ago",
            "tell the operator: the server, its schedule or its replica has stopped, or a large job is running; "
            "until then a value that you do not find may still be listed",
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


_Found = TypeVar("_Found")

_PORTS = {"http": 80, "https": 443}
# A hub accepts no version that is further ahead.
_WRONG_CLOCK = 300
_ODD_CLOCK = 30
_MOST_COLLECTIONS = 5
_NAMED_AT_MOST = 10


def check_up(
    url: str, settings: LoginSettings, *, collections: tuple[str, ...] = (), ca_file: Path | None = None
) -> Findings:
    """Check the hub with the discovery page ``url``, with the login of ``settings``.

    Reads a few objects of each of ``collections`` (ids or aliases), or of the first readable ones; sends nothing.
    """
    findings = Findings()
    try:
        parts = check_address(findings, url)
        host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        if settings.proxy is None:
            check_name(findings, host, port)
            check_connection(findings, host, port)
            if parts.scheme == "https":
                check_tls(findings, host, port, ca_file)
    except Unwell as error:
        check = ("address", "name", "connection", "TLS")[min(len(findings.found), 3)]
        findings.wrong(check, error.words, error.way_out)
        findings.skip("login", "not checked, because there is no connection")
        return findings
    hub = HubRequests(settings, url)
    try:
        _Checkup(findings, hub, settings.has_credentials).run(url, collections)
    finally:
        hub.close()
    return findings


class _Checkup:
    """The checks above the connection; each depends on the one before it."""

    def __init__(self, findings: Findings, hub: HubRequests, has_login: bool) -> None:
        self._findings = findings
        self._hub = hub
        self._has_login = has_login

    def run(self, url: str, wanted: tuple[str, ...]) -> None:
        url = folder_url(url)
        page = self._step("login", lambda: self._log_in(url))
        root = None if page is None else self._step("discovery", lambda: self._api_root(url, page))
        if root is not None:
            offered = self._step("collections", lambda: self._collections(root))
            for about in () if offered is None else self._chosen(offered, wanted):
                self._collection(root, about)
        self._tell_limits()

    def _step(self, check: str, step: Callable[[], _Found]) -> _Found | None:
        try:
            return step()
        except Unwell as error:
            self._findings.wrong(check, error.words, error.way_out)
            return None

    def _log_in(self, url: str) -> dict[str, Any]:
        about, headers = self._hub.read(url)
        who = "this login is accepted" if self._has_login else "without a login the hub shows its public collections"
        self._findings.ok("login", who)
        if not self._has_login:
            self._findings.note("login", "no login was given", "set HUB_TOKEN, or --user and HUB_PASSWORD")
        self._clock(headers)
        return about

    def _api_root(self, url: str, about: Mapping[str, Any]) -> str:
        """Return the address of the API root stated by the discovery page, or ``url`` itself if it is an API root."""
        named = about.get("default") or next(iter(about.get("api_roots") or ()), None)
        if named is None and about.get("versions"):
            named = url
        if not isinstance(named, str):
            raise Unwell("this is not the discovery page of a TAXII server", "give the address that ends in /taxii2/")
        root = folder_url(urljoin(url, named))
        if urlsplit(root)[:2] != urlsplit(url)[:2]:
            raise Unwell(
                f"the hub states an API root on another server ({urlsplit(root).scheme}://{urlsplit(root).netloc})",
                "the operator has to set public_url, or the forwarded headers of the proxy; clients use this address",
            )
        about, _ = self._hub.read(root)
        if not any("2.1" in str(version) for version in about.get("versions") or ()):
            raise Unwell("the API root does not support TAXII 2.1", "use a client for one of its versions")
        self._findings.ok("discovery", f"the API root is {urlsplit(root).path}, TAXII 2.1")
        return root

    def _clock(self, headers: Mapping[str, str]) -> None:
        moment = None
        with suppress(ValueError, TypeError, KeyError):
            moment = parsedate_to_datetime(headers["Date"])
        if moment is None:
            self._findings.note("clock", "the hub's responses have no date")
            return
        off = (datetime.now(UTC) - moment.astimezone(UTC)) / timedelta(seconds=1)
        words = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the hub's"
        way_out = "synchronise this machine's clock by NTP: the ends of listings, holds and added_after depend on it"
        if abs(off) > _WRONG_CLOCK:
            self._findings.wrong("clock", words, way_out)
        elif abs(off) > _ODD_CLOCK:
            self._findings.note("clock", words, way_out)
        else:
            self._findings.ok("clock", "this machine's clock agrees with the hub's")

    def _collections(self, root: str) -> list[dict[str, Any]]:
        listed, _ = self._hub.read(urljoin(root, "collections/"))
        offered = [about for about in listed.get("collections") or () if isinstance(about, dict) and "id" in about]
        readable = [about for about in offered if about.get("can_read") is True]
        names = ", ".join(str(about.get("alias") or about["id"]) for about in readable[:_NAMED_AT_MOST])
        if readable:
            more = "" if len(readable) <= _NAMED_AT_MOST else f" and {len(readable) - _NAMED_AT_MOST} more"
            self._findings.ok("grants", f"you may read {names}{more}")
        else:
            self._findings.wrong(
                "grants", "you may read no collection", "ask the operator: scamfeed partner grant NAME --read ALIAS"
            )
        writable = [str(about.get("alias") or about["id"]) for about in offered if about.get("can_write") is True]
        if writable:
            self._findings.ok("grants", f"you may write {', '.join(writable[:_NAMED_AT_MOST])} (not tried)")
        return readable

    def _chosen(self, offered: list[dict[str, Any]], wanted: tuple[str, ...]) -> list[dict[str, Any]]:
        if not wanted:
            if len(offered) > _MOST_COLLECTIONS:
                self._findings.note(
                    "collections", f"only the first {_MOST_COLLECTIONS} are checked", "select others with --collection"
                )
            return offered[:_MOST_COLLECTIONS]
        named = {name: about for about in offered for name in (about["id"], about.get("alias")) if name}
        for name in wanted:
            if name not in named:
                self._findings.wrong(
                    f"collection {name}",
                    "you cannot read it: it does not exist, or you have no grant",
                    "check the name; ask the operator for a grant",
                )
        return [named[name] for name in wanted if name in named]

    def _collection(self, root: str, about: dict[str, Any]) -> None:
        name = str(about.get("alias") or about["id"])
        id_ = quote(str(about["id"]), safe="")
        objects = urljoin(root, f"collections/{id_}/objects/")
        page = self._step(f"{name}: paging", lambda: check_paging(self._findings, self._hub, name, objects))
        if page is not None:
            check = f"{name}: added_after"
            self._step(check, lambda: check_added_after(self._findings, self._hub, name, objects, page))
        digest = urljoin(root, f"../api/collections/{id_}/digest")
        self._step(f"{name}: digest", lambda: check_digest(self._findings, self._hub, name, digest))

    def _tell_limits(self) -> None:
        limits = self._hub.limits
        if limits:
            self._findings.ok("limits", "; ".join(f"{name}: {value}" for name, value in sorted(limits.items())))
        else:
            self._findings.note("limits", "the hub states no limit of requests in its headers")
