"""Whether a reported value is one that serves many, or somebody who is no scammer: looked up before anyone sees it."""

import re
import time
from functools import lru_cache
from pathlib import Path

from schemas import kinds
from schemas.report import Report
from server.release.guard.allowlists import folder, reserved
from server.release.guard.allowlists.catalogue import Allowlist, AllowlistMatch, match_of as _hit
from server.release.guard.allowlists.index import AllowlistIndex
from server.release.guard.allowlists.reserved import match_documentation_value

_LOOK = 5.0
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?P<host>\[[0-9a-f:.]+\]|[^/:?#]+)(?::\d+)?(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_LOGIN_HOST = re.compile(r"(?:log-?in|sign-?in|accounts?|auth|sso|passport|members?|id|secure|my|help|support)\.")
# Where a resolver is asked over HTTPS (RFC 8484, and before it).
_RESOLVING = re.compile(r"/+(?:dns-query|resolve)(?:/.*)?", re.DOTALL)
# What parts the words of an address, among which are the names of accounts and apps.
_PARTS = re.compile(r"[/?=&@#]|%40")
# The start page, by the names that servers know it by.
_START = re.compile(r"/*(?:(?:index|home|default|main)(?:\.\w{2,5})?/*)?", re.IGNORECASE)
# Where one logs in or manages an account: these names are no user's on a site whose pages are its users'.
_LOGIN = re.compile(
    r"/+(?:[a-z]{2}(?:[-_][a-z]{2})?/+)?"
    r"(?:(?:users?|buyer|member|customer|web|i/flow|ap|uas)/+)?"
    r"(?:(?:wp-)?log[-_]?in|log[-_]?on|sign[-_]?in|sign[-_]?up|register|accounts?|my-account|auth|sso|session|checkpoint"
    r"|recover|recovery|(?:forgot|reset)?[-_]?password(?:[-_]?reset)?|settings|help|support|legal|terms|privacy"
    r"|polic(?:y|ies)|about|home)"
    r"(?:\.\w{2,5})?(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)
_NUMERIC = re.compile(r"\[.*\]|[0-9.]+")
# RFC 2142 and what else is never a customer's at a provider of mailboxes.
_ROLES = frozenset(
    [
        "abuse",
        "postmaster",
        "hostmaster",
        "webmaster",
        "noc",
        "security",
        "mailer-daemon",
        "noreply",
        "no-reply",
        "root",
        "admin",
        "administrator",
    ]
)
# Names that are given to public bodies alone.
_PUBLIC = re.compile(
    r"(?:^|\.)(?:gov|mil|europa\.eu|(?:gov|gob|gouv|gub|govt|mil|police|parliament|nhs)\.[a-z]{2}"
    r"|go\.(?:th|jp|kr|id|ke|ug|tz|cr)|gv\.at|gc\.ca|admin\.ch)$"
)
_PUBLIC_INSTEAD = "report the page (url) if the site was broken into, or the host that looks like it"
# What system software and the largest messengers are called: whoever copies such a name is told apart by the file.
_APPS = re.compile(
    r"(?:android:(?:com\.(?:android|google\.android|sec\.android|samsung\.android|huawei\.android|miui)\.[\w.]+"
    r"|com\.(?:whatsapp|instagram\.android|facebook\.(?:katana|orca)|zhiliaoapp\.musically)"
    r"|org\.telegram\.messenger|jp\.naver\.line\.android|com\.tencent\.mm)|ios:com\.apple\.[\w.-]+)"
)
_PUBLIC_NUMBER = "callers show such numbers falsely; report the number that was asked to call"
_APP_INSTEAD = "a copy under this name is told by its file: report the page that spreads it (url), its hash as evidence"


class _Lists:
    """The lists of this process: those of ``updated``, read again soon after they were changed."""

    def __init__(self, updated: Path | None, *, examples: bool) -> None:
        self.examples = examples
        self._updated = updated
        self._look = 0.0
        self.index()

    def index(self) -> AllowlistIndex:
        moment = time.monotonic()
        if moment > self._look:
            self._look = moment + _LOOK
            stamp = folder.stamp(self._updated)
            self._index = _index(self._updated if stamp else None, stamp)
        return self._index


@lru_cache(maxsize=2)
def _index(updated: Path | None, stamp: int) -> AllowlistIndex:
    return AllowlistIndex(updated)


_lists = _Lists(None, examples=False)


def use(updated: Path | None, *, examples: bool = False) -> None:
    """Look values up in the lists of a folder from now on, and in those that come with the program where it has none.

    ``examples``: hold what documentation uses too, which is wanted only where nobody tries the hub out.
    """
    global _lists
    _lists = _Lists(updated, examples=examples)


def check(report: Report) -> AllowlistMatch | None:
    """Give the list that a reported value is on, None where it is on none; never raises, never asks the network."""
    index = _lists.index()
    if _lists.examples and (hit := match_documentation_value(index, report.kind, report.value)) is not None:
        return hit
    match report.kind:
        case "domain":
            return _host(index, report.value)
        case "url":
            return _url(index, report.value)
        case "email":
            return _email(index, report.value)
        case "ip":
            return _hit(index.network(report.value))
        case "wallet":
            return _hit(index.wallets.get(report.value))
        case "phone":
            return _number(index, report.value)
        case "social-account":
            return _hit(index.profiles.get(report.value)) or _numbered(index, report.value)
        case "payment-alias":
            return _numbered(index, report.value)
        case "app":
            return _app(index, report.value)
    return None


def _owner(index: AllowlistIndex, host: str) -> Allowlist | None:
    """Give the list that a host, or what it is below, is on as its owner's."""
    owned = index.owned
    while host:
        if (listing := owned.get(host)) is not None:
            return listing
        host = host.partition(".")[2]
    return None


def _host(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    listing = _owner(index, host) or index.sites.get(host) or index.sites.get(host.removeprefix("www."))
    return _hit(listing) or _public(host) or _below(index, host)


def _below(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    """Give the hit of a host that a site gave a name to, not one of its users."""
    above = index.site_above(host)
    return _hit(above[1], "a host below ") if above else None


def _public(host: str) -> AllowlistMatch | None:
    if _PUBLIC.search(host):
        return AllowlistMatch(
            "public-bodies", f"this is a public body's own domain (list public-bodies): {_PUBLIC_INSTEAD}"
        )
    return None


def _url(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    if (parts := _URL.match(url)) is None:
        return None
    host, path = parts["host"], parts["path"]
    bare = not path.strip("/")
    if _NUMERIC.fullmatch(host):
        return _hit(index.network(host.strip("[]"))) if bare or _RESOLVING.fullmatch(path) else None
    if bare:
        return _host(index, host)
    name = host.removeprefix("www.")
    if name in index.shared or host in index.shared:
        is_login = (name in index.logins or host in index.logins) and _LOGIN.fullmatch(path)
        if is_login:
            return _hit(index.sites.get(name) or index.sites.get(host), "the login or help of ")
        return _profile(index, url)
    start = _public(host) if _START.fullmatch(path) else None
    return _hit(_owner(index, host) or index.own_pages.get(name)) or start or _page_below(index, host, path)


def _profile(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    """Give the hit of a page that is an institution's own account, or its app in a store."""
    if index.names_of_institutions.isdisjoint(_PARTS.split(url.lower())):
        return None
    for kind, listed in (("social-account", index.profiles), ("app", index.apps)):
        if kinds.get(kind).recognises(url):
            return _hit(listed.get(kinds.get(kind).normalise(url).value))
    return None


def _page_below(index: AllowlistIndex, host: str, path: str) -> AllowlistMatch | None:
    """Give the hit of a page on a host below a site: any where all pages are its owner's, else where one logs in."""
    if (above := index.site_above(host)) is None:
        return None
    site, listing = above
    if site in index.own_pages:
        return _hit(listing, "a page below ")
    is_login = site in index.logins and (_LOGIN.fullmatch(path) or _LOGIN_HOST.match(host))
    return _hit(listing, "the login or help of ") if is_login else None


def _email(index: AllowlistIndex, address: str) -> AllowlistMatch | None:
    local, _, host = address.partition("@")
    if (hit := _hit(_owner(index, host)) or _public(host)) is not None:
        return hit
    return _hit(index.sites.get(host)) if local in _ROLES else None


def _app(index: AllowlistIndex, name: str) -> AllowlistMatch | None:
    if (listing := index.apps.get(name)) is not None:
        return _hit(listing)
    if _APPS.fullmatch(name):
        what = "the name of a system app or a messenger (list system-apps)"
        return AllowlistMatch("system-apps", f"this is {what}: {_APP_INSTEAD}")
    return None


def _numbered(index: AllowlistIndex, value: str) -> AllowlistMatch | None:
    """Give the hit of an account or alias that is a telephone number."""
    name = value.partition(":")[2]
    return _number(index, name) if name.startswith("+") else None


def _number(index: AllowlistIndex, number: str) -> AllowlistMatch | None:
    if (listing := index.numbers.get(number)) is not None:
        return _hit(listing)
    if number[2:3] == ":" and reserved.is_public_number(number):
        return AllowlistMatch(
            "public-numbers", f"this is a public service's number (list public-numbers): {_PUBLIC_NUMBER}"
        )
    rule, kept_free = index.number_ranges
    # Rules are written with the 0 before the area code, which numbers have that are dialled within their country.
    for end in (0, 2, 3, 4):
        if rule.fullmatch(number if not end else f"{number[:end]}0{number[end:]}"):
            return _hit(kept_free)
    return None
