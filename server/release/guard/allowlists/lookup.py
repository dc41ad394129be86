"""Look up a reported value in the allowlists, before any other partner sees the report."""

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from schemas import kinds
from schemas.partner import provider_keys
from schemas.reference import hosts
from schemas.reference.account_numbers import account_key
from schemas.reference.sites import PLATFORMS, is_mail_provider
from schemas.report import Report
from server.release.guard.allowlists import company_forms, folder, numbering, pages, reserved
from server.release.guard.allowlists.catalogue import Allowlist, AllowlistMatch, EntryType, match_of
from server.release.guard.allowlists.index import AllowlistIndex, bare_sender

_SECONDS_BETWEEN_CHECKS = 5.0
_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?P<host>\[[0-9a-f:.]+\]|[^/:?#]+)(?::\d+)?(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_LOGIN_HOST = re.compile(r"(?:log-?in|sign-?in|accounts?|auth|sso|passport|members?|id|secure|my|help|support)\.")
# Another name of a site for telephones.
_VARIANT = re.compile(r"(?:www|m|mobile|touch|web|lite)\.")
# Separators between the words of a URL. One of these words may be the name of an account or of an app.
_URL_WORDS = re.compile(r"[/?=&@#]|%40")
# Pages for login, account and help: on a site with users' pages, no user can have one of these names.
_LOGIN_PAGE = re.compile(
    r"/+(?:[a-z]{2}(?:[-_][a-z]{2})?/+)?"
    r"(?:(?:users?|buyer|member|customer|web|i/flow|ap|uas)/+)?"
    r"(?:(?:wp-)?log[-_]?in|log[-_]?on|sign[-_]?in|sign[-_]?up|register|accounts?|my-account|auth|sso|session|checkpoint"
    r"|faqs?|contact(?:[-_]?us)?|help[-_]?cent(?:er|re)|customer[-_]?(?:service|care)|recover|recovery|(?:forgot|reset)?[-_]?password(?:[-_]?reset)?|settings|help|support|legal|terms|privacy"
    r"|polic(?:y|ies)|about|home|search|explore|results|hashtag|trending|pricing|developers?|careers"
    r"|newsroom|store(?!/))"
    r"(?:\.\w{2,5})?(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)
# The URL names no page: for example the sign that shows where a short link leads ("bit.ly/+").
_NO_PATH = re.compile(r"[/+.]*")
# Names below a provider's own domain that its customers cannot have.
_RESERVED_LABELS = frozenset(
    (
        *(
            "www",
            "api",
            "apis",
            "app",
            "apps",
            "login",
            "signin",
            "accounts",
            "account",
            "auth",
            "oauth",
            "oauth2",
            "sso",
        ),
        *("id", "status", "docs", "help", "support", "developer", "developers", "console", "dashboard", "billing"),
        *("mail", "smtp", "imap", "pop", "mx", "ns1", "ns2", "ns3", "ns4", "static", "cdn", "assets"),
    )
)
# Platforms on which a name is registered once, so that brands hold their own names.
_NAMED_ON = frozenset(
    {"twitter", "facebook", "instagram", "youtube", "tiktok", "threads", "linkedin", "line", "telegram"}
)
# Messengers on which anybody registers common words: only the names of owners count.
_MESSENGERS = frozenset({"line", "telegram"})
# Stores whose app names are domains in reverse order.
_NAMESPACES = frozenset({"android", "ios"})
_FEWEST_DOTS = 2
# The company's name before the name of its app: com.NAME, co.uk.NAME, de.NAME.
_COMPANY_NAMESPACE = re.compile(r"(?:com|co\.[a-z]{2}|[a-z]{2}(?:\.(?:com|co|or))?)\.(?!com\.|co\.|or\.)([a-z0-9]+)\.")
# Lists of addresses whose machines may serve a customer's page by its path.
_SERVERS_OF_CUSTOMERS = frozenset({"ovh-cluster", "parking-domain", "public-dns-v4", "public-dns-v6", "sinkholes"})
_TAX_NUMBER = re.compile(r"promptpay:(\d{13})(?:\d{2})?")
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
# Mailboxes of offices: below a company's own domain they are the company's. A customer of a mail provider can have one.
_OFFICES = frozenset(
    (
        *("accounts", "billing", "business", "care", "careers", "compliance", "contact", "cs", "customer", "enquiries"),
        *("customercare", "customer.care", "customerservice", "customer.service", "customer-service", "enquiry"),
        *("customersupport", "customer.support", "feedback", "fraud", "hello", "help", "helpdesk", "hr", "info"),
        *("inquiry", "jobs", "legal", "mail", "marketing", "media", "news", "newsletter", "office", "orders"),
        *("partners", "payments", "phishing", "press", "privacy", "report", "sales", "service", "services", "spoof"),
        *("support", "team"),
    )
)


class Allowlists:
    """The allowlists of one hub: each list from the folder of updates, or the bundled one if that folder lacks it."""

    def __init__(self, updated: Path | None = None, *, documentation_values: bool = False) -> None:
        """Use the lists in the folder ``updated``; changes there take effect within seconds.

        With ``documentation_values``, values used in documentation (``example.com``) match too. Leave it off on a hub
        that people try out with such values.
        """
        self._updated = updated
        self._documentation_values = documentation_values
        self._next_check = 0.0
        self._index = self._current_index()

    def match(self, report: Report) -> AllowlistMatch | None:
        """Return the list that has the reported value, None if no list has it. Never uses the network."""
        index, value = self._current_index(), report.value
        if self._documentation_values:
            found = reserved.match_documentation_value(index.example_accounts, report.kind, value)
            if found is not None:
                return found
        matches = _MATCHERS.get(report.kind)
        return matches(index, value) if matches else None

    def remove(self, is_removed: Callable[[str], bool]) -> int:
        """Remove entries from the operator's own lists, and return their number."""
        return 0 if self._updated is None else folder.remove(self._updated, is_removed)

    def _current_index(self) -> AllowlistIndex:
        moment = time.monotonic()
        if moment > self._next_check:
            self._next_check = moment + _SECONDS_BETWEEN_CHECKS
            stamp = folder.stamp(self._updated)
            self._index = _index(self._updated if stamp else None, stamp)
        return self._index


# Shared between hubs of one process: the same files give the same index.
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
    return (
        match_of(allowlist)
        or reserved.match_checked_body(host)
        or _match_service(index, host)
        or _match_host_below(index, host)
    )


def _match_service(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    """Match a host that the provider named, below a domain where customers have names too."""
    label, _, parent = host.partition(".")
    if (allowlist := index.services.get(parent)) is not None and hosts.registrable_domain(host) is not None:
        return match_of(allowlist)
    return match_of(index.providers.get(parent), "a host of its owner below ") if label in _RESERVED_LABELS else None


def _match_host_below(index: AllowlistIndex, host: str) -> AllowlistMatch | None:
    """Match a host below a listed site, if the site's owner, not a user, chose the host's name."""
    above = index.site_above(host)
    return match_of(above[1], "a host below ") if above else None


def _match_url(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    if (parts := _URL.match(url)) is None:
        return None
    host, path, rest = parts["host"], parts["path"], parts["rest"]
    if _NUMERIC_HOST.fullmatch(host):
        return _match_page_at_address(index, host.strip("[]"), path)
    if _NO_PATH.fullmatch(path):
        return None if pages.start_page_has_id(host, rest) else _match_host(index, host)
    if index.shared.isdisjoint((host, host.removeprefix("www."))):
        return _match_own_page(index, host, path, rest)
    if _is_login_page(index, host, path):
        return _match_site(index, host, "the login or help of ")
    if PLATFORMS.is_for_everybody(url) or pages.is_generic(_VARIANT.sub("", host, count=1), path, rest):
        return _match_site(index, host, "a page for all users of ")
    return _match_profile(index, url)


def _match_page_at_address(index: AllowlistIndex, address: str, path: str) -> AllowlistMatch | None:
    """Match a page at an IP address: any page where no customer can have one, otherwise the start page."""
    found = index.network(address)
    if found is not None and not (found.name in _SERVERS_OF_CUSTOMERS or found.name.startswith("local-")):
        return match_of(found)
    if not pages.is_start_page(path):
        return None
    return match_of(found) or reserved.match_special_address(address)


def _match_own_page(index: AllowlistIndex, host: str, path: str, rest: str) -> AllowlistMatch | None:
    """Match a page on a site with only its owner's pages, the start page of a public body, or a page below a site."""
    own_page = match_of(_owner(index, host) or index.own_pages.get(host.removeprefix("www.")))
    start_page = reserved.match_checked_body(host) if pages.is_start_page(path) else None
    service = _match_service(index, host) if own_page is None and not pages.is_storage(host) else None
    return own_page or start_page or service or _match_page_below(index, host, path, rest)


def _is_login_page(index: AllowlistIndex, host: str, path: str) -> bool:
    if pages.is_storage(host):
        return False
    names = (host, host.removeprefix("www."))
    return not index.logins.isdisjoint(names) and _LOGIN_PAGE.fullmatch(path) is not None


def _match_site(index: AllowlistIndex, host: str, page: str) -> AllowlistMatch | None:
    return match_of(index.sites.get(host.removeprefix("www.")) or index.sites.get(host), page)


def _match_profile(index: AllowlistIndex, url: str) -> AllowlistMatch | None:
    """Match the page of an institution's own account, or of its app in a store."""
    if index.names_of_institutions.isdisjoint(_URL_WORDS.split(url.lower())):
        return None
    for kind, listed in (("social-account", index.profiles), ("app", index.apps)):
        if kinds.get(kind).recognises(url):
            return match_of(listed.get(kinds.get(kind).normalise(url).value))
    return None


def _match_page_below(index: AllowlistIndex, host: str, path: str, rest: str) -> AllowlistMatch | None:
    """Match a page on a host below a listed site: any page of a site without users' pages, otherwise its login
    pages and those that name nothing of a user.
    """
    if (above := index.site_above(host)) is None:
        return None
    site, allowlist = above
    if site in index.own_pages:
        return match_of(allowlist, "a page below ")
    if site not in index.logins:
        return None
    if _LOGIN_PAGE.fullmatch(path) or _LOGIN_HOST.match(host):
        return match_of(allowlist, "the login or help of ")
    return match_of(allowlist, "a page for all users of ") if pages.is_generic(site, path, rest) else None


def _match_email(index: AllowlistIndex, address: str) -> AllowlistMatch | None:
    local, _, host = address.partition("@")
    if is_mail_provider(host):
        return match_of(_owner(index, host) or index.sites.get(host)) if local in _ROLES else None
    if (found := match_of(_owner(index, host)) or reserved.match_public_body(host)) is not None:
        return found
    if local in _ROLES or (local in _OFFICES and host not in index.hosting):
        return match_of(index.sites.get(host))
    return None


def _match_social_account(index: AllowlistIndex, value: str) -> AllowlistMatch | None:
    """Match an institution's or brand's account, and one with the exact name of an owner's or a popular site."""
    if (found := match_of(index.profiles.get(value)) or _match_number_in(index, value)) is not None:
        return found
    platform, _, name = value.lower().partition(":")
    if platform not in _MESSENGERS and pages.is_page_of_platform(name.partition("@")[0]):
        return reserved.match_page_of_platform()
    if platform not in _NAMED_ON:
        return None
    if platform == "linkedin":
        name = name.removeprefix("company/").replace("-", "")
    owner = index.names_of_sites.get(name.removeprefix("@"))
    if owner is not None and platform in _MESSENGERS and owner.entry_type is EntryType.SITES:
        return None
    return match_of(owner, "an account with the name of ")


def _match_account(index: AllowlistIndex, account: str) -> AllowlistMatch | None:
    """Match an account that a public body or charity publishes, and any at a bank that has such customers alone."""
    found = match_of(index.accounts.get(account_key(account))) or reserved.match_short_giro(account)
    if found is not None:
        return found
    owners = index.institutions
    return match_of(next((owners[key] for key in provider_keys("bank-account", account) if key in owners), None))


def _match_alias(index: AllowlistIndex, alias: str) -> AllowlistMatch | None:
    return (
        match_of(index.aliases.get(alias))
        or reserved.match_public_alias(alias)
        or _match_tax_number(alias)
        or _match_number_in(index, alias)
    )


def _match_tax_number(alias: str) -> AllowlistMatch | None:
    """Match a PromptPay id with the tax number of a listed company: alone, or with the number of its service."""
    found = _TAX_NUMBER.fullmatch(alias)
    return found and company_forms.match_established_company(f"TH:{found[1]}")


def _match_package(index: AllowlistIndex, app: str) -> AllowlistMatch | None:
    """Match an app in an owner's namespace: the owner's domain in reverse order, with any company ending."""
    os, _, name = app.partition(":")
    if os not in _NAMESPACES:
        return None
    parts = name.lower().split(".")
    owner = _owner(index, ".".join(reversed(parts))) if len(parts) > _FEWEST_DOTS else None
    if owner is None and (company := _COMPANY_NAMESPACE.match(name.lower())):
        owner = index.names_of_owners.get(company[1])
    return match_of(owner, "an app in the namespace of ")


def _match_number_in(index: AllowlistIndex, value: str) -> AllowlistMatch | None:
    """Match an account or alias (``whatsapp:+66…``) whose name is a telephone number."""
    name = value.partition(":")[2]
    return _match_number(index, name) if name.startswith("+") else None


def _match_number(index: AllowlistIndex, number: str) -> AllowlistMatch | None:
    found = match_of(index.numbers.get(number)) or numbering.match_public_number(number)
    if found is None and not number.startswith("+"):
        found = match_of(index.senders.get(bare_sender(number)))
    if found is not None:
        return found
    pattern, allowlist = index.number_ranges
    # The patterns include the 0 that is dialled before the area code within a country.
    for length in (0, 2, 3, 4):
        if pattern.fullmatch(number if not length else f"{number[:length]}0{number[length:]}"):
            return match_of(allowlist)
    return None


def _match_ip(index: AllowlistIndex, address: str) -> AllowlistMatch | None:
    return match_of(index.network(address)) or reserved.match_special_address(address)


def _match_wallet(index: AllowlistIndex, wallet: str) -> AllowlistMatch | None:
    return match_of(index.wallets.get(wallet))


def _match_app(index: AllowlistIndex, app: str) -> AllowlistMatch | None:
    return (
        match_of(index.apps.get(app))
        or reserved.match_system_app(app)
        or reserved.match_long_sold_app(app)
        or _match_package(index, app)
    )


def _match_company(index: AllowlistIndex, company: str) -> AllowlistMatch | None:
    return match_of(index.companies.get(company)) or company_forms.match_established_company(company)


# By kind; values of another kind are on no list.
_MATCHERS: Mapping[str, Callable[[AllowlistIndex, str], AllowlistMatch | None]] = {
    "domain": _match_host,
    "url": _match_url,
    "email": _match_email,
    "ip": _match_ip,
    "wallet": _match_wallet,
    "phone": _match_number,
    "social-account": _match_social_account,
    "payment-alias": _match_alias,
    "app": _match_app,
    "bank-account": _match_account,
    "company": _match_company,
}
