"""Reads a page like a person without English: visible and spoken texts, and forms with their choices."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.web.shell.words import labelled

_READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "data-confirm")
# Literal texts: codes, keys, files, and a person's own texts in a form.
_QUIET = {"code", "kbd", "pre", "script", "textarea", "style", "bdi"}
_BREAKS = {
    "p",
    "li",
    "dd",
    "dt",
    "td",
    "th",
    "h1",
    "h2",
    "h3",
    "h4",
    "option",
    "label",
    "div",
    "button",
    "a",
    "span",
    "br",
}
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z'’]{2,}(?![A-Za-z0-9])")

_LETTERS = re.compile(r"[A-Za-z'’]{2}")

# Names of fields, and codes of words in lower case, as programs write them.
_FIELD_NAME = re.compile(r"(?<![\w@./:=-])[a-z]+(?:_[a-z]+)+(?![\w@/]|[:=-]\w)")
_CODE = re.compile(r"(?<![\w@./:-])[a-z]+(?:-[a-z]+)+(?![\w@/:.-])")

# The code of a Thai bank.
_BIC = re.compile(r"\b[A-Z]{4}TH[A-Z0-9]{2}\b")

# Names that are the same in every language.
_PRODUCTS = """
Scamfeed Splunk OpenCTI MISP Elastic EclecticIQ Cortex XSOAR Microsoft Sentinel cytaxii curl Enterprise Security CTIS
Custom Threat Intelligence Azure Google Moz Majestic Tranco Alexa Cisco Umbrella Zscaler StackPath Fastly Cloudflare
Akamai OVH Wikimedia Huobi HTX Deribit Bybit Binance Telegram
"""
_STANDARDS = """
TAXII STIX TLP API URL JSON CSV PDF TOML HTTP HTTPS TLS BIC IBAN UETR ISO PEM UTC IP IPFS DNS UUID OpenAPI Discovery
root discovery Basic Authorization Bearer PIN QR lines poll observable BagIt SHA KIND VALUE AMOUNT USDT THB TH SG KH LA
KBANK RDAP PASSWORD TOKEN UTF KB MB HTML amber green clear red strict
"""
# Aliases of collections, and commands, which are typed literally.
_TYPED = """
inbox takedown public trends wallets sightings scamfeed mirror lists update evidence add feed schedule serve operator
partner user valid until restored urlhaus blocklist rule deadline full tranco hotlines https
"""
# Of a word that reads the same as its code in English, the label is the code.
_CODES = frozenset(code for code, text in labelled().items() if "-" in code and text != code) | ALLOWLISTS.keys()
NAMES = frozenset((_PRODUCTS + _STANDARDS + _TYPED + "English").split())


@dataclass
class ThaiForm:
    """A form: its target, its method, and its fields, with every value that can be chosen."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class ThaiPage(HTMLParser):
    """The texts of a page, each in one visible place, and its forms."""

    texts: list[str] = field(default_factory=list)
    forms: list[ThaiForm] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._quiet = 0
        self._choice = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.texts += [given[name] for name in _READ_ALOUD if name in given]
        if tag in _QUIET:
            self._quiet += 1
        if tag in _BREAKS:
            self.texts.append("")
        if tag == "form":
            self.forms.append(ThaiForm(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and tag in ("input", "select", "textarea", "button") and given.get("name"):
            self._choice = given["name"]
            self.forms[-1].fields.setdefault(self._choice, [])
            if "value" in given:
                self.forms[-1].fields[self._choice].append(given["value"])
        elif tag == "option" and self.forms:
            self.forms[-1].fields.setdefault(self._choice, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _QUIET:
            self._quiet -= 1
        if tag in _BREAKS:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not self._quiet and data.strip():
            self.texts[-1:] = [f"{self.texts[-1] if self.texts else ''} {' '.join(data.split())}".strip()]


@lru_cache(maxsize=4)
def thai_page(page: str) -> ThaiPage:
    """Read a page."""
    read = ThaiPage()
    read.feed(page)
    return read


def words_of_programs(page: str) -> Iterator[str]:
    """Yield each text of a page with the name of a field, or with the code of a word that has a label."""
    for text in thai_page(page).texts:
        if _FIELD_NAME.search(text) or not _CODES.isdisjoint(_CODE.findall(text)):
            yield text


def english_in(page: str, typed: Iterable[str]) -> Iterator[str]:
    """Yield each text of a page with an English word, except the texts ``typed`` by people or partners."""
    read = thai_page(page)
    values = sorted(typed, key=len, reverse=True)
    for text in read.texts:
        if not _LETTERS.search(text):
            continue
        left = text
        for value in values:
            left = left.replace(value, " ")
        # Addresses, file names, codes and values.
        left = re.sub(r"\S*[\w)][-./:@_=~][\w(]\S*", " ", left, flags=re.ASCII)
        left = _BIC.sub(" ", left)
        if any(word not in NAMES for word in _WORD.findall(left)):
            yield text
