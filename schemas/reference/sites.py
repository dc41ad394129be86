"""Sites with a page for each account or app, as tables of address templates, and the services that strangers share.

``t.me/s/<login>`` is the template of an address: ``<login>`` is one of the site's groups, ``*`` any one part of a
path, ``**`` all that follows, ``{a|b}`` one of these words; ``?id=<id>`` asks for a parameter, ``#…`` for a fragment.
A template that begins with ``/`` holds on every host of the site. A page, a host or a mailbox at a shared service is
one customer's; the guard reads those of the files that it is named in as its lists.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from schemas.reference import hosts, read_toml
from schemas.reference.hosts import WebAddress, split_address

_TOKEN = re.compile(r"(<\w+>|\{[^}]*\}|\*\*|\*)")
_NAMED = re.compile(r"<(\w+)>")
# The same pages for other machines and in other languages.
_VARIANT = re.compile(r"(?:www|m|mobile|mbasic|mtouch|touch|web|wap|lite|old|new|np|[a-z]{2}(?:-[a-z]{2})?)\.")
_NOT_ALNUM = re.compile(r"[\W_]+")


class PageTemplate(NamedTuple):
    """A form of address, and the name of the account or app in it; ``is_post`` if the page itself is a post of it."""

    template: str
    name: str
    is_post: bool = False


@dataclass(frozen=True)
class Site:
    """A platform or store.

    ``words`` are the names that people call it, ``groups`` the forms of names on it, as regular expressions.
    ``folded`` are the groups without difference between upper and lower case, ``dropped`` the characters that mean
    nothing in a login. ``written`` are forms in which people write a name without an address, beside those that
    ``pages`` already contain. Pages of the hosts ``elsewhere``, and paths that begin with a ``reserved`` word, name
    nothing; each label below the host ``below`` is a login. Numbers without a country code are of ``country``.
    """

    name: str
    words: str = ""
    hosts: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[PageTemplate, ...] = ()
    written: tuple[PageTemplate, ...] = ()
    folded: frozenset[str] = frozenset({"login"})
    dropped: str = ""
    reserved: str = ""
    below: str = ""
    elsewhere: str = ""
    country: str = ""

    @cached_property
    def _reserved(self) -> frozenset[str]:
        return frozenset(self.reserved.split())

    def reserves(self, path: str) -> bool:
        """Return True if a path begins with a word that cannot be a login."""
        return path.partition("/")[0].casefold() in self._reserved


class SiteMatch(NamedTuple):
    """The account or app that an address or text names on a site, in one spelling; "" if it names none.

    ``phone`` is the telephone number in it as it was written, "" if there is none.
    """

    site: Site
    name: str = ""
    is_post: bool = False
    phone: str = ""


class _Rule(NamedTuple):
    """A page's template, compiled; ``open`` if its path begins with a login, which a reserved word may look like."""

    path: re.Pattern[str]
    query: Mapping[str, re.Pattern[str]]
    fragment: re.Pattern[str] | None
    page: PageTemplate
    open: bool


class _Index(NamedTuple):
    """Sites by the words that people call them, templates by host, and forms of written names by site."""

    words: dict[str, Site]
    rules: dict[str, tuple[Site, list[_Rule]]]
    written: dict[str, list[tuple[re.Pattern[str], PageTemplate]]]


class Sites:
    """Several sites, found by their hosts and by the words that people call them."""

    def __init__(self, file: str) -> None:
        """Hold the sites of a TOML file, which is read at the first use."""
        self._file = file

    @cached_property
    def every(self) -> tuple[Site, ...]:
        """Return all sites, in the order of the file."""
        table = dict(read_toml(self._file))
        shared = table.pop("shared")
        return tuple(_site(name, entry, shared) for name, entry in table.items())

    @cached_property
    def _index(self) -> _Index:
        index = _Index({}, {}, {})
        for site in self.every:
            hosts = site.hosts.split()
            for word in (site.name, *site.words.split(), *hosts):
                index.words[word_key(word)] = site
            for host in (*hosts, *site.elsewhere.split()):
                index.rules.setdefault(host, (site, []))
            for template in site.pages:
                own_hosts, rule = _rule(site, template)
                for host in own_hosts or hosts:
                    index.rules.setdefault(host, (site, []))[1].append(rule)
            forms = {form.template: form for form in site.written} | {
                template.name: PageTemplate(template.name, template.name) for template in site.pages
            }
            index.written[site.name] = [(re.compile(_regex(site, text)), form) for text, form in forms.items()]
        return index

    @property
    def hosts(self) -> frozenset[str]:
        """Return the hosts whose pages may name an account or app."""
        return frozenset(self._index.rules)

    def find(self, word: str) -> Site | None:
        """Return the site that people call ``word``."""
        return self._index.words.get(word_key(word))

    def hosting(self, host: str) -> Site | None:
        """Return the site that a host belongs to, itself or as a name below one of the site's hosts; None if none."""
        known, labels = self._index.rules, host.split(".")
        names = (".".join(labels[first:]) for first in range(len(labels) - 1))
        return next((known[name][0] for name in names if name in known), None)

    def read_address(self, text: str) -> SiteMatch | None:
        """Return the account or app that an address names; its name is "" for any other page of a site.

        None if ``text`` is no address, or of no site. Addresses are read as browsers read them.
        """
        address = self._on_known_host(split_address(text))
        if address is None:
            return None
        site, rules = self._index.rules[address.host]
        reserved = site.reserves(address.path)
        for rule in rules:
            if not (rule.open and reserved) and (groups := _matched(rule, address)) is not None:
                return _match(site, rule.page, {"host": address.host, **groups})
        return SiteMatch(site)

    def _on_known_host(self, address: WebAddress | None) -> WebAddress | None:
        """Return the address on a host that the templates contain, None if there is no such host."""
        known = self._index.rules
        if address is None or address.host in known:
            return address
        first, _, parent = address.host.partition(".")
        if _VARIANT.match(address.host) and parent in known:
            return address._replace(host=parent)
        if parent in known and known[parent][0].below == parent:
            return address._replace(host=parent, path=f"{first}/{address.path}".rstrip("/"))
        return None

    def read_name(self, site: Site, text: str) -> SiteMatch | None:
        """Return the account or app that ``text``, which is no address, names on ``site``; None if it names none."""
        for pattern, form in self._index.written[site.name]:
            if match := pattern.fullmatch(text):
                return _match(site, form, match.groupdict())
        return None

    def is_own_page(self, url: str) -> bool:
        """Return True if ``url`` is the address of an account or app, not of a post or another page."""
        found = self.read_address(url)
        return found is not None and bool(found.name) and not found.is_post

    def is_for_everybody(self, url: str) -> bool:
        """Return True if ``url`` is a page of a site itself for all its users, such as its marketplace."""
        address = self._on_known_host(split_address(url))
        if address is None or address.query or address.fragment or "/" in address.path:
            return False
        return self._index.rules[address.host][0].reserves(address.path)


def _site(name: str, entry: Mapping[str, Any], shared: Mapping[str, str]) -> Site:
    def whole(text: str) -> str:
        for word, pattern in shared.items():
            text = text.replace(f"{{{word}}}", pattern)
        return text

    def forms(key: str) -> list[PageTemplate]:
        parts = [whole(form).partition(" ") for form in entry.get(key, ())]
        return [PageTemplate(template, named or "<login>", key == "posts") for template, _, named in parts]

    texts = {key: " ".join(value.split()) for key, value in entry.items() if isinstance(value, str)}
    return Site(
        name,
        **texts,
        groups={group: whole(pattern) for group, pattern in entry.get("groups", {}).items()},
        pages=(*forms("pages"), *forms("posts")),
        written=tuple(forms("written")),
        folded=frozenset(entry.get("folded", ("login",))),
    )


def word_key(word: str) -> str:
    """Return a word without case, blanks and punctuation, as words are compared."""
    return _NOT_ALNUM.sub("", unicodedata.normalize("NFKC", word).casefold())


def _rule(site: Site, page: PageTemplate) -> tuple[list[str], _Rule]:
    """Return the hosts that a template names itself, and the compiled template."""
    rest, _, fragment = page.template.partition("#")
    rest, _, query = rest.partition("?")
    scheme, separator, after = rest.rpartition("://")
    host, _, path = after.partition("/")
    first, _, words = host.partition("{")
    hosts = [first + word for word in words.removesuffix("}").split("|")] if words else [host]
    parameters = [parameter.partition("=") for parameter in query.split("&") if parameter]
    rule = _Rule(
        re.compile(_regex(site, path)),
        {name: re.compile(_regex(site, form)) for name, _, form in parameters},
        re.compile(_regex(site, fragment.strip("/"))) if fragment else None,
        page,
        path.startswith("<login>"),
    )
    return [scheme + separator + name for name in hosts if name], rule


def _regex(site: Site, template: str) -> str:
    return "".join(_tokens(site, template))


def _tokens(site: Site, template: str) -> Iterator[str]:
    for token in _TOKEN.split(template):
        if token.startswith("<"):
            name = token[1:-1]
            flags = "ai" if name in site.folded else "a"  # without a, ſ and the Kelvin sign are letters of a-z
            yield f"(?P<{name}>(?{flags}:{site.groups[name]}))"
        elif token.startswith("{"):
            yield f"(?ai:{'|'.join(map(re.escape, token[1:-1].split('|')))})"
        elif token == "**":  # noqa: S105 - of a template
            yield ".+"
        elif token == "*":  # noqa: S105 - of a template
            yield "[^/]+"
        elif token:
            yield f"(?ai:{re.escape(token)})"


def _matched(rule: _Rule, address: WebAddress) -> dict[str, str] | None:
    """Return the groups of a template in an address, None if the address has another form."""
    match = rule.path.fullmatch(address.path)
    if match is None:
        return None
    groups = match.groupdict()
    asked = [(form, address.query.get(name, "").strip()) for name, form in rule.query.items()]
    if rule.fragment is not None:
        asked.append((rule.fragment, address.fragment))
    for form, text in asked:
        if (match := form.fullmatch(text)) is None:
            return None
        groups |= match.groupdict()
    return groups


def _match(site: Site, page: PageTemplate, groups: Mapping[str, str]) -> SiteMatch:
    """Return the name that the groups of a template make, in the site's one spelling."""
    spelled = {group: text.lower() if group in site.folded else text for group, text in groups.items()}
    if site.dropped and "login" in spelled:
        spelled["login"] = spelled["login"].replace(site.dropped, "")
    name = _NAMED.sub(lambda match: spelled[match[1]], page.name)
    return SiteMatch(site, name, page.is_post, groups.get("phone", ""))


# Words beside a platform's name that do not change its meaning.
_BESIDE = re.compile(
    r"\b(?:page|group|account|profile|user ?name|user|id|channel|oa|official|handle|chat|app|add)\b|@"
    r"|แอด|เพิ่มเพื่อน|ทัก|บัญชี|ไอดี|เพจ|กลุ่ม|ช่อง|แอป(?:พลิเคชัน)?",
    re.IGNORECASE,
)


class Platforms(Sites):
    """Platforms; a platform's name is its ``account_type`` in STIX."""

    def find(self, word: str) -> Site | None:
        """Return the platform that people call ``word``: its name, an abbreviation, its host, in English and Thai."""
        found = super().find(word)
        if found is None and (rest := _BESIDE.sub(" ", word)) != word and word_key(rest):
            found = super().find(rest)
        return found

    def read_address_on_own_host(self, platform: Site, url: str) -> SiteMatch | None:
        """Return the account in an address on a host of its own, as networks of many hosts have; else None."""
        address = split_address(url)
        if address is None or "host" not in platform.groups:
            return None
        first = address.path.removeprefix("users/").removeprefix("@").partition("/")[0]
        return self.read_name(platform, first if "@" in first else f"{first}@{address.host}")


PLATFORMS = Platforms("platforms.toml")
STORES = Sites("stores.toml")


SHARED_SERVICES = Path(__file__).parent / "shared_services"


def is_shared(name: str) -> bool:
    """Return True if a domain, with or without ``www.``, is a service that strangers share, or a public suffix."""
    return name.removeprefix("www.") in _shared() or not hosts.is_registrable(name) or hosts.has_suffixes_below(name)


def is_mail_provider(host: str) -> bool:
    """Return True if a domain is a provider of mailboxes: a mailbox there is a customer's."""
    return host in _mail_providers()


def load_shared_services() -> None:
    """Read the files now, which takes some 60 ms, so that no answer has to wait for that."""
    _shared()


@cache
def _shared() -> frozenset[str]:
    hosts = {host for sites in (PLATFORMS, STORES) for host in sites.hosts}
    return frozenset(hosts.union(*map(_lines, sorted(SHARED_SERVICES.glob("*.txt*")))))


@cache
def _mail_providers() -> frozenset[str]:
    return frozenset().union(*map(_lines, SHARED_SERVICES.glob("*mail*.txt*")))


def _lines(file: Path) -> set[str]:
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
    return {line for line in text.splitlines() if line and not line.startswith("#")}
