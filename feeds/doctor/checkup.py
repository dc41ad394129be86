"""A check-up of one hub: from its name in DNS to the digest of a collection, each step as a client takes it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from feeds.doctor.collection_checks import check_added_after, check_digest, check_paging
from feeds.doctor.findings import Findings, Unwell
from feeds.doctor.network import check_address, check_connection, check_name, check_tls
from feeds.doctor.requests_to_hub import HubRequests
from feeds.http.login import LoginSettings

_Found = TypeVar("_Found")

_PORTS = {"http": 80, "https": 443}
# A hub takes no version from further ahead.
_WRONG_CLOCK = 300
_ODD_CLOCK = 30
_MOST_COLLECTIONS = 5
_NAMED_AT_MOST = 10


def check_up(
    url: str, settings: LoginSettings, *, collections: tuple[str, ...] = (), ca_file: Path | None = None
) -> Findings:
    """Try the hub at ``url``, its discovery page, with the login of ``settings``.

    Reads a few objects of each of ``collections`` (ids or aliases), or of the first that may be read; sends nothing.
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
        findings.skip("login", "nothing above a connection that does not come about was tried")
        return findings
    hub = HubRequests(settings, url)
    try:
        _Checkup(findings, hub, settings.has_credentials).run(url, collections)
    finally:
        hub.close()
    return findings


class _Checkup:
    """The checks above the connection; each needs the one before it."""

    def __init__(self, findings: Findings, hub: HubRequests, has_login: bool) -> None:
        self._findings = findings
        self._hub = hub
        self._has_login = has_login

    def run(self, url: str, wanted: tuple[str, ...]) -> None:
        url = url if url.endswith("/") else url + "/"
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
        """Return the discovery page."""
        about, headers = self._hub.read(url)
        who = "this login is accepted" if self._has_login else "without a login the hub shows what is public"
        self._findings.ok("login", who)
        if not self._has_login:
            self._findings.note("login", "no login was given", "set HUB_TOKEN, or --user and HUB_PASSWORD")
        self._clock(headers)
        return about

    def _api_root(self, url: str, about: Mapping[str, Any]) -> str:
        """Return the address of the API root that the discovery page names, or that this is."""
        named = about.get("default") or next(iter(about.get("api_roots") or ()), None)
        if named is None and about.get("versions"):
            named = url
        if not isinstance(named, str):
            raise Unwell("this is not the discovery page of a TAXII server", "give the address that ends in /taxii2/")
        root = urljoin(url, named)
        if urlsplit(root)[:2] != urlsplit(url)[:2]:
            raise Unwell(
                f"the hub names its API root at another server ({urlsplit(root).scheme}://{urlsplit(root).netloc})",
                "the operator has to set public_url, or the forwarded headers of the proxy; clients go where this says",
            )
        root += "" if root.endswith("/") else "/"
        about, _ = self._hub.read(root)
        if not any("2.1" in str(version) for version in about.get("versions") or ()):
            raise Unwell("the API root does not speak TAXII 2.1", "use a client for the version that it names")
        self._findings.ok("discovery", f"the API root is {urlsplit(root).path}, TAXII 2.1")
        return root

    def _clock(self, headers: Mapping[str, str]) -> None:
        moment = None
        with suppress(ValueError, TypeError, KeyError):
            moment = parsedate_to_datetime(headers["Date"])
        if moment is None:
            self._findings.note("clock", "the hub does not say what time it is")
            return
        off = (datetime.now(UTC) - moment.astimezone(UTC)) / timedelta(seconds=1)
        words = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the hub's"
        way_out = "let this machine set its clock by NTP: ends, holds and added_after are moments"
        if abs(off) > _WRONG_CLOCK:
            self._findings.wrong("clock", words, way_out)
        elif abs(off) > _ODD_CLOCK:
            self._findings.note("clock", words, way_out)
        else:
            self._findings.ok("clock", "this machine's clock and the hub's agree")

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
                    "collections", f"the first {_MOST_COLLECTIONS} are read", "name others: --collection"
                )
            return offered[:_MOST_COLLECTIONS]
        named = {name: about for about in offered for name in (about["id"], about.get("alias")) if name}
        for name in wanted:
            if name not in named:
                self._findings.wrong(
                    f"collection {name}",
                    "it is not among what you may read: it is not there, or you have no grant",
                    "compare the name; ask the operator for the grant",
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
            self._findings.note("limits", "the hub names no limit of requests in its headers")
