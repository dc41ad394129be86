"""Sites whose pages each stand for one thing, an account or an app, and how their addresses say which.

A site is a table of templates. ``t.me/s/<login>`` is the address of a page, ``<login>`` one of the site's groups,
``*`` any one part of a path, ``**`` all that follows, ``{a|b}`` one of these words; ``?id=<id>`` asks for a parameter,
``#…`` for a fragment. A template that begins with ``/`` holds on every host of the site.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from schemas.reference.urls import WebAddress, split_address

_TOKEN = re.compile(r"(<\w+>|\{[^}]*\}|\*\*|\*)")
_NAMED = re.compile(r"<(\w+)>")
# The same pages for other machines and in other languages.
_VARIANT = re.compile(r"(?:www|m|mobile|mbasic|mtouch|touch|web|wap|lite|old|new|np|[a-z]{2}(?:-[a-z]{2})?)\.")
_NOT_ALNUM = re.compile(r"[\W_]+")


class PageTemplate(NamedTuple):
    """A form of address, and the one thing it names; ``beside`` where that is not what the page shows."""

    template: str
    names: str
    beside: bool = False


def page(template: str, names: str = "<login>") -> PageTemplate:
    """Say that the page stands for what it ``names``."""
    return PageTemplate(template, names)


def post(template: str, names: str = "<login>") -> PageTemplate:
    """Say that the page is another thing, a post or a video, by what it ``names``."""
    return PageTemplate(template, names, beside=True)


# How people write an account without its address: most often as its handle, else also as the site's own number of it.
HANDLE = (page("<login>"), page("@<login>"))
ID_OR_HANDLE = (page("<id>", "id=<id>"), *HANDLE)


@dataclass(frozen=True)
class Site:
    """One site: ``words`` are what people call it, ``groups`` the forms of its names, by regular expression.

    ``folded`` are the groups in which upper and lower case are the same, ``dropped`` characters that a login may have
    or not. ``written`` are the forms in which people write a name without the address; those that pages name need not
    be repeated. Pages of the hosts ``elsewhere``, and those that begin with a ``reserved`` word, name nothing; below
    the host ``below`` each name is a login. Numbers without a country code are of ``country``.
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
        """Tell whether a path begins with a word that is nobody's name."""
        return path.partition("/")[0].casefold() in self._reserved


class SiteMatch(NamedTuple):
    """What an address or a writing names on a site: in its one spelling, "" where it names nothing.

    ``phone`` is set where that is a telephone number, still as it was written.
    """

    site: Site
    names: str = ""
    beside: bool = False
    phone: str = ""


class _Rule(NamedTuple):
    path: re.Pattern[str]
    query: Mapping[str, re.Pattern[str]]
    fragment: re.Pattern[str] | None
    page: PageTemplate
    open: bool


class Sites:
    """Several sites, known by their hosts and by what people call them."""

    def __init__(self, sites: Iterable[Site]) -> None:
        """Prepare the templates."""
        self.every = tuple(sites)
        self._words: dict[str, Site] = {}
        self._rules: dict[str, tuple[Site, list[_Rule]]] = {}
        self._written: dict[str, list[tuple[re.Pattern[str], PageTemplate]]] = {}
        for site in self.every:
            hosts = site.hosts.split()
            for word in (site.name, *site.words.split(), *hosts):
                self._words[word_key(word)] = site
            for host in (*hosts, *site.elsewhere.split()):
                self._rules.setdefault(host, (site, []))
            for each in site.pages:
                names, rule = _rule(site, each)
                for name in names or hosts:
                    self._rules.setdefault(name, (site, []))[1].append(rule)
            forms = {each.template: each for each in site.written} | {
                each.names: page(each.names, each.names) for each in site.pages
            }
            self._written[site.name] = [(re.compile(_regex(site, form)), each) for form, each in forms.items()]

    @property
    def hosts(self) -> frozenset[str]:
        """Give the hosts whose pages may name something."""
        return frozenset(self._rules)

    def named(self, word: str) -> Site | None:
        """Give the site that people call ``word``."""
        return self._words.get(word_key(word))

    def at(self, text: str) -> SiteMatch | None:
        """Give what the address ``text`` names, with nothing named where it is another page of a site.

        None where it is no address, or of no site. Addresses are read as browsers read them.
        """
        address = self._placed(split_address(text))
        if address is None:
            return None
        site, rules = self._rules[address.host]
        reserved = site.reserves(address.path)
        for rule in rules:
            if not (rule.open and reserved) and (groups := _matched(rule, address)) is not None:
                return _found(site, rule.page, {"host": address.host, **groups})
        return SiteMatch(site)

    def _placed(self, address: WebAddress | None) -> WebAddress | None:
        """Give the address on the host that the templates know, None where there is none."""
        if address is None or address.host in self._rules:
            return address
        first, _, parent = address.host.partition(".")
        if _VARIANT.match(address.host) and parent in self._rules:
            return address._replace(host=parent)
        if parent in self._rules and self._rules[parent][0].below == parent:
            return address._replace(host=parent, path=f"{first}/{address.path}".rstrip("/"))
        return None

    def written(self, site: Site, text: str) -> SiteMatch | None:
        """Give what ``text``, which is no address, names on ``site``; None where it names nothing by its rules."""
        for form, each in self._written[site.name]:
            if match := form.fullmatch(text):
                return _found(site, each, match.groupdict())
        return None


def word_key(word: str) -> str:
    """Give a word as words are compared: without case, blanks and punctuation."""
    return _NOT_ALNUM.sub("", unicodedata.normalize("NFKC", word).casefold())


def _rule(site: Site, each: PageTemplate) -> tuple[list[str], _Rule]:
    rest, _, fragment = each.template.partition("#")
    rest, _, query = rest.partition("?")
    scheme, separator, after = rest.rpartition("://")
    host, _, path = after.partition("/")
    first, _, words = host.partition("{")
    hosts = [first + word for word in words.removesuffix("}").split("|")] if words else [host]
    parameters = [each.partition("=") for each in query.split("&") if each]
    rule = _Rule(
        re.compile(_regex(site, path)),
        {name: re.compile(_regex(site, form)) for name, _, form in parameters},
        re.compile(_regex(site, fragment.strip("/"))) if fragment else None,
        each,
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


def _found(site: Site, each: PageTemplate, groups: Mapping[str, str]) -> SiteMatch:
    spelled = {name: text.lower() if name in site.folded else text for name, text in groups.items()}
    if site.dropped and "login" in spelled:
        spelled["login"] = spelled["login"].replace(site.dropped, "")
    names = _NAMED.sub(lambda match: spelled[match[1]], each.names)
    return SiteMatch(site, names, each.beside, groups.get("phone", ""))
