"""URLs: the WHATWG form, narrowed to RFC 3986, without what does not choose the page."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

import ada_url

from schemas import hosts, pages, platforms, stores
from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Example, Kind, Normal

_LONGEST = 4096

# http: and https: with the slips that copying and defanging leave: http//, https;//, ttps:, and one before another.
_WEB = re.compile(r"(?:h?t{1,3}p(s?)\s*(?:[:;]\s*[/\\]*|[/\\]{2,})\s*)+", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT = re.compile(r"\d{1,5}(?![^/?#\\])")
_END_OF_AUTHORITY = re.compile(r"[\s/?#\\]")
# As the parser writes a URL: userinfo, host, port, path, query, fragment.
_WRITTEN = re.compile(r"(https?://)(?:[^@/?#]*@)?(\[[0-9a-f:.]+\]|[^:/?#]+)(:\d+)?(/[^?#]*)(?:\?([^#]*))?")
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

    Left out is what a server never gets (fragment, userinfo) and what says who clicked (``utm_…``, ``fbclid``, …, and
    an ``email=`` with an address, most likely a victim's). A value without a scheme is taken as ``http://``;
    http and https, ``/a`` and ``/a/``, upper and lower case of a path stay different pages.
    """

    name: ClassVar[str] = "url"
    title: ClassVar[Mapping[str, str]] = {"en": "URL", "th": "ลิงก์ (URL)"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Give the one spelling of the URL, with the host that a browser would ask."""
        if len(raw) > _LONGEST:
            raise _too_long()
        if " " in raw or raw.endswith((".", ")", "]")) or "…" in raw:
            _refuse_parts(raw)
        try:
            written = ada_url.normalize_url(_with_scheme(raw))
        except ValueError:
            raise _no_url() from None
        parts = _WRITTEN.match(written)
        if parts is None:
            raise _no_url()
        start, host, port, path, query = parts.groups()
        path = pages.spelled(path)
        query = pages.query(query) if query else ""
        if path.endswith("/*") or host.startswith("*"):
            raise Rejected("url-wildcard", "a pattern for many pages, not the URL of one; report its host as a domain")
        if pages.names_a_mailbox(path) or pages.names_a_mailbox(query):
            raise Rejected(
                "personal-data",
                "there is an e-mail address in it, perhaps a victim's: take it out, or report the host as a domain",
            )
        host = _host(host, shared=path != "/" or query != "")
        value = start + host + (port or "") + path + ("?" + query if query else "")
        if len(value) > _LONGEST:
            raise _too_long()
        return Normal(value)

    def recognises(self, raw: str) -> bool:
        """Tell whether ``raw`` begins as web addresses do, or is a name with a known suffix and a path.

        The page of an account is recognised as the account, that of an app in a store as the app.
        """
        if raw[:4].lower() == "http" and _WEB.match(raw):
            return not _is_another_kinds(raw)
        user, _, host = _authority(raw).rpartition("@")
        name = host.partition(":")[0].lower()
        if raw.startswith("@") or "." not in name or len(raw) == len(name) or len(raw) > _LONGEST or " " in raw:
            return False
        if user and ("%" not in user or ":" in user):  # else nobody's mailbox, but userinfo that hides the host
            return False
        if _NUMBERS.fullmatch(name):
            return name.count(".") == 3 and "/" in raw and _NETWORK.fullmatch(raw) is None
        name = hosts.a_labels(name)
        if hosts.RESOLVABLE.fullmatch(name) is None or not hosts.has_suffix(name):
            return False
        return not _is_another_kinds(raw)

    def examples(self) -> Iterable[Example]:
        """Give the spellings of one URL, hosts that hide, and what is no URL of the web."""
        yield from _examples_of_spelling()
        yield from _examples_of_host()
        yield from _examples_of_refusal()


def _is_another_kinds(raw: str) -> bool:
    """Tell whether a URL is the page of an account or an app, which is what is meant."""
    return platforms.is_profile(raw) or stores.is_listing(raw)


def _refuse_parts(raw: str) -> None:
    """Refuse what is more or less than one URL."""
    if "…" in raw or _CUT.search(raw):
        raise Rejected("url-cut", "a part was left out and dots put there, as for showing it; give the whole URL")
    if " " in raw and len(re.findall(r"(?:^| )https?://", raw, re.IGNORECASE)) > 1:
        raise Rejected("several-values", "several URLs in one value; give each its own row")


def _with_scheme(raw: str) -> str:
    """Give ``raw`` with http: or https: in front; raises ``Rejected`` for other schemes and for what has no host."""
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
    """Give what stands in front of the path in a URL without its scheme."""
    return _END_OF_AUTHORITY.split(text, maxsplit=1)[0]


def _is_host_and_port(word: str, rest: str) -> bool:
    """Tell whether what looks like a scheme is a host in front of its port, or of a user's password."""
    if word.lower() in _MEANING:
        return False
    return _PORT.match(rest) is not None or "@" in _authority(rest)


def _host(host: str, *, shared: bool) -> str:
    """Give a host that can be asked; ``shared`` tells that a provider's own is meant with a page of a customer's."""
    if _NUMBERS.fullmatch(host):
        try:
            address = hosts.public_address(host.strip("[]"))
        except ValueError:
            raise _no_url() from None
        return f"[{address}]" if ":" in address else address
    name = host.rstrip(".")
    if name != "localhost" and hosts.RESOLVABLE.fullmatch(name) is None:
        raise _no_url()
    if hosts.is_somebodys(name) or (shared and hosts.is_providers(name)):
        return name
    raise hosts.unregistrable(name)


def _no_url() -> Rejected:
    return Rejected("url-form", "not a URL: http:// or https://, a host that there can be, and a path")


def _too_long() -> Rejected:
    return Rejected("url-too-long", f"a URL has at most {_LONGEST} characters here, its special ones written as %XX")


_PAGE, _SHOP = "https://shop.example.com/pay", "https://shop.example.com/"


def _examples_of_spelling() -> Iterable[Example]:
    """Give the spellings that meet in one."""
    for raw in (
        _PAGE,
        "hxxps://shop[.]example[.]com/pay",
        "HTTPS://Shop.Example.COM:443/pay",
        "https://shop.example.com./a/.././pay?#top",
        "https:\\\\shop.example.com\\pay",
        "https//shop.example.com/pay",
        "https;//shop.example.com/pay",
        "ttps://shop.example.com/pay",
        "http://https://shop.example.com/pay",
        "https://someone:secret@shop.example.com/pay",
        "https://ｓｈｏｐ。example.com/%70a%79",
        "https://shop.example.com/pay?utm_source=sms&fbclid=IwAR0&UTM_Medium=x",
        "https://shop.example.com/pay?email=someone%40example.org",
        "https://shop.example.com/pay#someone@example.org",
    ):
        yield Example(raw, _PAGE)
    yield Example(_SHOP, _SHOP)
    yield Example("https://shop.example.com", _SHOP)
    yield Example("shop.example.com/pay", "http://shop.example.com/pay")
    yield Example("shop.example.com", "http://shop.example.com/")
    yield Example("shop.example.com:8080/a", "http://shop.example.com:8080/a")
    yield Example(_SHOP + "it's%e0%b8%81", _SHOP + "it%27s%E0%B8%81")
    yield Example(_SHOP + "ก?q=ข {x}|[0]", _SHOP + "%E0%B8%81?q=%E0%B8%82%20%7Bx%7D%7C%5B0%5D")
    yield Example(_SHOP + "100%&amp;x", _SHOP + "100%25&x")
    yield Example(_SHOP + "?b=2&utm_id=7&a=1&amp;b=3", _SHOP + "?b=2&a=1&b=3")


def _examples_of_host() -> Iterable[Example]:
    """Give hosts that look like others, addresses, and pages on hosts that many share."""
    yield Example("https://bank.example.com%E2%88%95login@shop.example.org/", "https://shop.example.org/")
    yield Example("bank.example.com%E2%88%95login@shop.example.org", "http://shop.example.org/")
    yield Example("https://shop.example.org\\@bank.example.com/", "https://shop.example.org/@bank.example.com/")
    yield Example("https://bank.example.com／login@shop.example.org", "https://shop.example.org/")
    yield Example("https://track_1.example.com/a", "https://track_1.example.com/a")
    yield Example("http://192.0.2.7:80/a", "http://192.0.2.7/a")
    yield Example("192[.]0[.]2[.]7/a", "http://192.0.2.7/a")
    yield Example("http://0xC0.0.0x207/", "http://192.0.2.7/")
    yield Example("http://[2001:DB8:0::7]/", "http://[2001:db8::7]/")
    yield Example("http://[::ffff:192.0.2.7]/", "http://192.0.2.7/")
    yield Example("https://github.io/someone/", "https://github.io/someone/")
    yield Example("https://github.io/", reason="public-suffix")
    yield Example("https://co.th/pay", reason="public-suffix")
    yield Example("http://0x7f.1/", reason="own-machine")
    yield Example("http://localhost:8080/", reason="own-machine")
    yield Example("http://192.168.0.1/login", reason="not-routable")
    yield Example("http://[fe80::1]/", reason="not-routable")
    yield Example("http://printer.local/", reason="unknown-suffix")


def _examples_of_refusal() -> Iterable[Example]:
    """Give what is no URL of the web, or not of one page."""
    yield Example("mailto:someone@example.com", reason="scheme")
    yield Example("tel:+66812345678", reason="scheme")
    yield Example("tg://resolve?domain=example", reason="scheme")
    yield Example("javascript:alert(1)", reason="scheme")
    yield Example("ftp://shop.example.com/a", reason="scheme")
    yield Example("someone@example.com", reason="email-not-url")
    yield Example("https://shop.example.com/...", reason="url-cut")
    yield Example("https://shop.example.com/a…", reason="url-cut")
    yield Example("https://shop.example.com/a https://shop.example.com/b", reason="several-values")
    yield Example("https://*.example.com/", reason="url-wildcard")
    yield Example("https://shop.example.com/*", reason="url-wildcard")
    yield Example("https://shop.example.com/for/someone@example.org", reason="personal-data")
    yield Example(
        "https://shop.example.com/go?to=https%3A%2F%2Fexample.net%2F%3Fe%3Da%40example.org", reason="personal-data"
    )
    yield Example("https://shop.example.com:99999/", reason="url-form")
    yield Example("https://a..example.com/", reason="url-form")
    yield Example("12.50", reason="url-form")
    yield Example("", reason="url-form")
    yield Example(_SHOP + "ก" * 1000, reason="url-too-long")
