"""URLs: the WHATWG form, narrowed to RFC 3986, without the parts that do not select the page."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import ClassVar

import ada_url

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import chains, hosts
from schemas.reference.chains import links
from schemas.reference.hosts import canonical_escapes, canonical_query, contains_mailbox, without_punctuation
from schemas.reference.numbers import refuse_card_in
from schemas.reference.payment_qr import is_qr_code
from schemas.reference.sites import PLATFORMS, STORES

_LONGEST = 4096

# http: and https: with the slips that copying and defanging leave: http//, https;//, ttps:, and one before another.
_WEB = re.compile(r"(?:h?t{1,3}p(s?)\s*(?:[:;]\s*[/\\]*|[/\\]{2,})\s*)+", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT = re.compile(r"\d{1,5}(?![^/?#\\])")
_END_OF_AUTHORITY = re.compile(r"[\s/?#\\]")
# As the parser writes a URL: userinfo, host, port, path, query, fragment.
_WRITTEN = re.compile(r"(https?://)(?:[^@/?#]*@)?(\[[0-9a-f:.]+\]|[^:/?#]+)(:\d+)?(/[^?#]*)(?:\?([^#]*))?")
# The last two labels of the host, for URLs in the usual form.
_LAST_LABELS = re.compile(r"(?:https?://)?(?:[A-Za-z0-9_-]+\.)*([A-Za-z0-9-]+\.[A-Za-z]+)(?=[:/?]|$)(?![^/]*[@\\])")
_NUMBERS = re.compile(r"\[.+\]|[0-9.]+")
_NETWORK = re.compile(r"[\d.]+/\d{1,2}")
_CUT = re.compile(r"\.\.\.\W*$")

_MEANINGS = {
    "an e-mail address; report it as one (email)": "mailto",
    "a telephone number; report it as one (phone)": "tel sms smsto callto facetime",
    "an account; report it as one (social-account)": "tg telegram whatsapp line viber weixin wechat skype zalo fb "
    "instagram twitter snssdk1233",
    "a wallet or a payment request; report the wallet or the payment alias": "bitcoin ethereum litecoin dogecoin tron "
    "solana monero bitcoincash ripple ton upi payto",
    "an app or its page in a store; report it as one (app)": "market itms itms-apps itms-appss android-app intent apk",
    "text that runs or stands by itself, not an address; report the page that it came from": "javascript data blob "
    "about view-source vbscript",
    "a file on one machine; report where it was fetched from": "file content chrome res",
}
_MEANING = {scheme: meaning for meaning, schemes in _MEANINGS.items() for scheme in schemes.split()}


class Url(Kind):
    """The address of one page on the web.

    Left out are parts that a server never gets (fragment, userinfo), and parameters that identify who clicked
    (``utm_…``, ``fbclid``, …, and an ``email=`` with an address, most likely a victim's). A value without a scheme is
    read as ``http://``. http and https, ``/a`` and ``/a/``, upper and lower case of a path are different pages.
    """

    name: ClassVar[str] = "url"
    title: ClassVar[Mapping[str, str]] = {"en": "URL", "th": "ลิงก์ (URL)"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the one spelling of the URL, with the host that a browser would ask."""
        if len(raw) > _LONGEST:
            raise _too_long()
        if not raw[-1:].isalnum() or " " in raw or "…" in raw:
            _refuse_parts(raw)
            raw = without_punctuation(raw)
        refuse_card_in(raw)
        start, host, port, path, query = _parsed(raw)
        path = canonical_escapes(path)
        query = canonical_query(query) if query else ""
        if path.endswith("/*") or host.startswith("*"):
            raise Rejected("url-wildcard", "a pattern for many pages, not the URL of one; report its host as a domain")
        if contains_mailbox(path) or contains_mailbox(query):
            raise Rejected(
                "personal-data",
                "there is an e-mail address in it, perhaps a victim's: take it out, or report the host as a domain",
            )
        host = _host(host, shared=path != "/" or query != "")
        value = start + host + (port or "") + path + ("?" + query if query else "")
        if len(value) > _LONGEST:
            raise _too_long()
        return Normal(value)

    def other_kind(self, raw: str) -> str:
        """Return the kind of the account, app or wallet that a page stands for, "" if it is only a page."""
        return _another(raw) if len(raw) <= _LONGEST else ""

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` begins as web addresses do, or is a name with a public suffix and a path.

        The page of an account is recognised as the account, that of an app in a store as the app.
        """
        if raw[:4].lower() == "http" and _WEB.match(raw):
            return not self.other_kind(raw)
        # A payment QR code may name a page.
        if raw.startswith("@") or len(raw) > _LONGEST or " " in raw or is_qr_code(raw):
            return False
        return _is_host_and_path(raw) and not self.other_kind(raw)


@cache
def _of_others() -> frozenset[str]:
    """Return the last two labels of all hosts whose pages may stand for an account, an app or a wallet."""
    hosts = {*PLATFORMS.hosts, *STORES.hosts, *links.EXPLORER_HOSTS}
    return frozenset(".".join(host.split(".")[-2:]) for host in hosts)


def _another(raw: str) -> str:
    """Return the kind of the account, app or wallet that a page stands for, "" if it is only a page."""
    host = _LAST_LABELS.match(raw)
    if host is not None and host[1].lower() not in _of_others():
        return ""
    if PLATFORMS.is_own_page(raw):
        return "social-account"
    if STORES.is_own_page(raw):
        return "app"
    shown = links.read_explorer_page(raw)
    return "wallet" if shown is not None and chains.looks_like_address(shown.address) else ""


def _is_host_and_path(raw: str) -> bool:
    """Return True if a value without scheme is a host that can exist, and a path, query or port behind it."""
    user, _, host = _authority(raw).rpartition("@")
    name = host.partition(":")[0].lower()
    if "." not in name or len(raw) == len(name):
        return False
    if user and ("%" not in user or ":" in user):  # otherwise not a mailbox, but userinfo that hides the host
        return False
    if _NUMBERS.fullmatch(name):
        return name.count(".") == 3 and "/" in raw and _NETWORK.fullmatch(raw) is None
    name = hosts.a_labels(name)
    return hosts.RESOLVABLE.fullmatch(name) is not None and hosts.has_public_suffix(name)


def _parsed(raw: str) -> Sequence[str]:
    """Return scheme, host, port, path and query as a browser's parser writes them. Raises ``Rejected``."""
    try:
        written = ada_url.normalize_url(_with_scheme(raw))
    except ValueError:
        raise _no_url() from None
    parts = _WRITTEN.match(written)
    if parts is None:
        raise _no_url()
    return parts.groups()


def _refuse_parts(raw: str) -> None:
    """Refuse a part of a URL, and several URLs in one value."""
    if "…" in raw or _CUT.search(raw):
        raise Rejected("url-cut", "dots stand for a part that was left out; give the whole URL")
    if " " in raw and len(re.findall(r"(?:^| )https?://", raw, re.IGNORECASE)) > 1:
        raise Rejected("several-values", "several URLs in one value; give each its own row")


def _with_scheme(raw: str) -> str:
    """Return ``raw`` with http: or https: in front. Raises ``Rejected`` for other schemes and if there is no host."""
    text = raw.replace("&amp;", "&") if "&amp;" in raw else raw
    if web := _WEB.match(text):
        return f"http{web[1].lower()}://{text[web.end() :]}"
    if (scheme := _SCHEME.match(text)) and not _is_host_and_port(scheme[1], text[scheme.end() :]):
        word = scheme[1].lower()
        likely = f"by its scheme this is {_MEANING[word]}" if word in _MEANING else "report its host as a domain"
        raise Rejected("scheme", f"only http and https are addresses on the web; {likely}")
    text = text.lstrip("/\\")
    authority = _authority(text)
    if len(authority) == len(text) and re.fullmatch(r"[\w.+'-]+@[^@]+\.[^@.]+", text):
        raise Rejected("email-not-url", "this looks like an e-mail address; report it as one (email)")
    if re.fullmatch(r"[\d.]*", name := authority.partition(":")[0]) and name.count(".") != 3:
        raise _no_url()  # an amount, a date or a telephone number, which parsers take for an IPv4 address
    return "http://" + text


def _authority(text: str) -> str:
    """Return the part in front of the path of a URL without scheme."""
    return _END_OF_AUTHORITY.split(text, maxsplit=1)[0]


def _is_host_and_port(word: str, rest: str) -> bool:
    """Return True if the apparent scheme is a host in front of its port, or a user in front of a password."""
    if word.lower() in _MEANING:
        return False
    return _PORT.match(rest) is not None or "@" in _authority(rest)


def _host(host: str, *, shared: bool) -> str:
    """Return a host that can be asked; with ``shared``, the page of a customer, also one of a provider's own."""
    if _NUMBERS.fullmatch(host):
        try:
            address = hosts.public_address(host.strip("[]"))
        except ValueError:
            raise _no_url() from None
        return f"[{address}]" if ":" in address else address
    name = host.rstrip(".")
    if name != "localhost" and hosts.RESOLVABLE.fullmatch(name) is None:
        raise _no_url()
    if hosts.is_registrable(name) or (shared and hosts.is_provider_suffix(name)):
        return name
    raise hosts.refusal_of(name)


def _no_url() -> Rejected:
    return Rejected("url-form", "not a URL: it needs http:// or https://, a host that can exist, and a path")


def _too_long() -> Rejected:
    return Rejected("url-too-long", f"a URL has at most {_LONGEST} characters here, special ones written as %XX")
