"""Look a reported value up on the allowlists, before anybody else sees the report."""

import re
import time
from functools import lru_cache
from pathlib import Path

from schemas import kinds
from schemas.report import Report
from server.release.guard.allowlists import folder, reserved
from server.release.guard.allowlists.catalogue import Allowlist, AllowlistMatch, match_of
from server.release.guard.allowlists.index import AllowlistIndex

_SECONDS_BETWEEN_CHECKS = 5.0
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?P<host>\[[0-9a-f:.]+\]|[^/:?#]+)(?::\d+)?(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_LOGIN_HOST = re.compile(r"(?:log-?in|sign-?in|accounts?|auth|sso|passport|members?|id|secure|my|help|support)\.")
# DNS over HTTPS: RFC 8484, and the path that resolvers used before it.
_DNS_OVER_HTTPS = re.compile(r"/+(?:dns-query|resolve)(?:/.*)?", re.DOTALL)
# Separators between the words of a URL. One of these words may be the name of an account or of an app.
_URL_WORDS = re.compile(r"[/?=&@#]|%40")
_START_PAGE = re.compile(r"/*(?:(?:index|home|default|main)(?:\.\w{2,5})?/*)?", re.IGNORECASE)
# Pages for login, account and help: on a site whose pages are its users', no user can have one of these names.
_LOGIN_PAGE = re.compile(
    r"/+(?:[a-z]{2}(?:[-_][a-z]{2})?/+)?"
    r"(?:(?:users?|buyer|member|customer|web|i/flow|ap|uas)/+)?"
    r"(?:(?:wp-)?log[-_]?in|log[-_]?on|sign[-_]?in|sign[-_]?up|register|accounts?|my-account|auth|sso|session|checkpoint"
    r"|recover|recovery|(?:forgot|reset)?[-_]?password(?:[-_]?reset)?|settings|help|support|legal|terms|privacy"
    r"|polic(?:y|ies)|about|home)"
    r"(?:\.\w{2,5})?(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)
_NUMERIC_HOST = re.compile(r"\[.*\]|[0-9.]+")
# Mailboxes that no customer of a mail provider can have: those of RFC 2142, and a few more.
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


class Allowlists:
    """The allowlists of one hub: each list from the folder of updates, or as bundled where that folder has none."""

    def __init__(self, updated: Path | None = None, *, documentation_values: bool = False) -> None:
        """Use the lists in the folder ``updated``; a change there counts within seconds.

        With ``documentation_values``, values that documentation uses (``example.com``) match too. A hub that people
        try out with such values leaves it off.
        """
        self._updated = updated
        self._documentation_values = documentation_values
        self._next_check = 0.0
        self._index = self._current_index()

    def match(self, report: Report) -> AllowlistMatch | None:
        """Return the list that has the reported value, None if no list has it. Never uses the network."""
        index, value = self._current_index(), report.value
        if self._documentation_values:
            found = reserved.match_documentation_value(index.accounts, report.kind, value)
            if found is not None:
                return found
        match report.kind:
            case "domain":
                return _match_host(index, value)
            case "url":
                return _match_url(index, value)
            case "email":
                return _match_email(index, value)
            case "ip":
                return match_of(index.network(value))
            case "wallet":
                return match_of(index.wallets.get(value))
            case "phone":
                return _match_number(index, value)
            case "social-account":
                return match_of(index.profiles.get(value)) or _match_number_in(index, value)
            case "payment-alias":
                return _match_number_in(index, value)
            case "app":
                return match_of(index.apps.get(value)) or reserved.match_system_app(value)
        return None

    def _current_index(self) -> AllowlistIndex:
        moment = time.monotonic()
        if moment > self._next_check:
            self._next_check = moment + _SECONDS_BETWEEN_CHECKS
            stamp = folder.stamp(self._updated)
            self._index = _index(self._updated if stamp else None, stamp)
        return self._index


# Shared between hubs of one process: an index of the same files is the same.
@lru_cache(maxsize=4)
def _index(updated: Path | None, stamp: int) -> AllowlistIndex:
    return AllowlistIndex(updated)


def _owner(index: AllowlistIndex, host: str) -> Allowlist | None:
    """Return the list of owners' domains that has ``host`` or a domain above it."""
    owned = index.owned
    while host:
        if (allowlist := owned.get(host)) is not None:
            return allowlist
        host = host.partition(".")[2]
    return None


def _match_host(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    allowlist = _owner(index, host) or index.sites.get(host) or index.sites.get(host.removeprefix("www."))
    return match_of(allowlist) or reserved.match_public_body(host) or _match_host_below(index, host)


def _match_host_below(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    """Match a host below a listed site, where the site's owner, and no user, chose the host's name."""
    above = index.site_above(host)
    return match_of(above[1], "a host below ") if above else None


def _match_url(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    if (parts := _URL.match(url)) is None:
        return None
    host, path = parts["host"], parts["path"]
    without_path = not path.strip("/")
    if _NUMERIC_HOST.fullmatch(host):
        is_server = without_path or _DNS_OVER_HTTPS.fullmatch(path)
        return match_of(index.network(host.strip("[]"))) if is_server else None
    if without_path:
        return _match_host(index, host)
    if index.shared.isdisjoint((host, host.removeprefix("www."))):
        return _match_own_page(index, host, path)
    return _match_login_page(index, host) if _is_login_page(index, host, path) else _match_profile(index, url)


def _match_own_page(index: AllowlistIndex, host: str, path: str) -> AllowlistMatch | None:
    """Match a page on a site whose pages are its owner's, the start page of a public body, or a page below a site."""
    own_page = match_of(_owner(index, host) or index.own_pages.get(host.removeprefix("www.")))
    start_page = reserved.match_public_body(host) if _START_PAGE.fullmatch(path) else None
    return own_page or start_page or _match_page_below(index, host, path)


def _is_login_page(index: AllowlistIndex, host: str, path: str) -> bool:
    names = (host, host.removeprefix("www."))
    return not index.logins.isdisjoint(names) and _LOGIN_PAGE.fullmatch(path) is not None


def _match_login_page(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    site = index.sites.get(host.removeprefix("www.")) or index.sites.get(host)
    return match_of(site, "the login or help of ")


def _match_profile(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    """Match the page of an institution's own account, or of its app in a store."""
    if index.names_of_institutions.isdisjoint(_URL_WORDS.split(url.lower())):
        return None
    for kind, listed in (("social-account", index.profiles), ("app", index.apps)):
        if kinds.get(kind).recognises(url):
            return match_of(listed.get(kinds.get(kind).normalise(url).value))
    return None


def _match_page_below(index: AllowlistIndex, host: str, path: str) -> AllowlistMatch | None:
    """Match a page on a host below a listed site: any page of a site without users' pages, else the login pages."""
    if (above := index.site_above(host)) is None:
        return None
    site, allowlist = above
    if site in index.own_pages:
        return match_of(allowlist, "a page below ")
    is_login = site in index.logins and (_LOGIN_PAGE.fullmatch(path) or _LOGIN_HOST.match(host))
    return match_of(allowlist, "the login or help of ") if is_login else None


def _match_email(index: AllowlistIndex, address: str) -> AllowlistMatch | None:
    local, _, host = address.partition("@")
    if (found := match_of(_owner(index, host)) or reserved.match_public_body(host)) is not None:
        return found
    return match_of(index.sites.get(host)) if local in _ROLES else None


def _match_number_in(index: AllowlistIndex, value: str) -> AllowlistMatch | None:
    """Match an account or alias (``whatsapp:+66…``) whose name is a telephone number."""
    name = value.partition(":")[2]
    return _match_number(index, name) if name.startswith("+") else None


def _match_number(index: AllowlistIndex, number: str) -> AllowlistMatch | None:
    found = match_of(index.numbers.get(number)) or reserved.match_public_number(number)
    if found is not None:
        return found
    pattern, allowlist = index.number_ranges
    # The patterns are written with the 0 that is dialled before the area code within a country.
    for length in (0, 2, 3, 4):
        if pattern.fullmatch(number if not length else f"{number[:length]}0{number[length:]}"):
            return match_of(allowlist)
    return None
