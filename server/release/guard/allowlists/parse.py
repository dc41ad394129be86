"""Read allowlists from MISP warninglists, GraphSense tag packs, plain lines and the table of institutions."""

import json
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any, NamedTuple

import ada_url
import yaml

from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import checked_institution
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist, EntryType

_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}")
# A whole top-level domain, written with its dot.
_ENDING = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{2,59}")
_WORD = re.compile(r"[A-Za-z][\w.-]*")
_PREFIX = re.compile(r"^(?:misp|graphsense)__")
# A MISP pattern for numbers: the country's code, optional, then the number with the 0 dialled within the country.
_NUMBER_PATTERN = re.compile(r"/\(\(\?:\\\+\|00\)(\d+)\??(?:\|0\?)?\)\??([\d()|\[\]{}-]+)/g")
_MIN_SHARE = 0.5
# The kind whose normal form the entries have, and the column that may precede an entry and a blank.
_KINDS = {
    EntryType.WALLETS: ("wallet", "chain"),
    EntryType.NUMBERS: ("phone", "country"),
    EntryType.ACCOUNTS: ("bank-account", "country"),
    EntryType.ALIASES: ("payment-alias", "system"),
    EntryType.COMPANIES: ("company", "country"),
    EntryType.APPS: ("app", "os"),
    EntryType.PROFILES: ("social-account", "platform"),
}
# Institutions that own all their mailboxes and pages; those of telecoms and search engines can be customers'.
_OWNER_TYPES = frozenset(
    {
        "bank",
        "courier",
        "e-money",
        "exchange",
        "government",
        "hospital",
        "insurer",
        "lender",
        "post",
        "regulator",
        "transport",
        "utility",
        "wallet",
    }
)


class Institution(NamedTuple):
    """One row of the table: an institution's country, type (``what``), name, and its values as people write them."""

    country: str
    what: str
    name: str
    sites: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


def allowlist_of_file(path: str) -> Allowlist | None:
    """Return the list that a file belongs to, by its own name or its folder's (``bank-website/list.json``)."""
    *folders, file = path.replace("\\", "/").split("/")
    stem = _PREFIX.sub("", re.sub(r"\.(?:gz|json|ya?ml|txt)\b", "", file))
    return ALLOWLISTS.get(folders[-1] if stem == "list" and folders else stem)


def entries(allowlist: Allowlist, content: bytes) -> list[str]:
    """Read the entries of a list in normal form, sorted and without duplicates.

    Raises ``Rejected`` if the content is not a list, is empty, or has mostly entries of another type.
    """
    try:
        raw = [text for text in _raw_entries(content.decode("utf-8-sig")) if text]
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        raise Rejected(
            "list-form",
            "this is not a list: give a MISP warninglist (JSON), a GraphSense tag pack (YAML), or one entry a line",
        ) from None
    normal = [list(normalise_entry(allowlist.entry_type, text)) for text in raw]
    valid = sum(1 for values in normal if values)
    if not raw or valid < len(raw) * _MIN_SHARE:
        raise Rejected(
            "list-content",
            f"{valid} of {len(raw)} entries are {allowlist.entry_type.value}: {allowlist.name} has only such entries",
        )
    return sorted({value for values in normal for value in values})


def _raw_entries(text: str) -> Iterator[str]:
    start = text.lstrip()[:1]
    if start == "{":
        yield from (str(entry) for entry in json.loads(text)["list"])
    elif "\ntags:" in text or text.startswith("tags:"):
        pack: dict[str, Any] = yaml.safe_load(text)
        for tag in pack["tags"]:
            yield f"{tag.get('currency', pack.get('currency', ''))} {tag['address']}".strip()
    else:
        yield from (line.partition("#")[0].strip() for line in text.splitlines())


def normalise_entry(entry_type: EntryType, entry: str) -> Iterable[str]:
    """Return the normal form of an entry, for comparison with values; empty if it is not of ``entry_type``."""
    match entry_type:
        case EntryType.SITES | EntryType.SHARED | EntryType.OWNED | EntryType.SERVICES:
            return _normal_host(entry)
        case EntryType.ADDRESSES:
            try:
                network = ip_network(entry, strict=False)
                return [str(network.network_address if network.num_addresses == 1 else network)]
            except ValueError:
                return []
        case EntryType.RANGES:
            pattern = _NUMBER_PATTERN.fullmatch(entry)
            return [rf"\+{pattern[1]}{pattern[2]}"] if pattern else []
        case EntryType.INSTITUTIONS:
            try:
                return [checked_institution(entry)]
            except ValueError:
                return []
    return _normal_value(entry_type, entry)


def _normal_host(entry: str) -> list[str]:
    host = entry.lower().removeprefix("*").strip(".")
    host = host if host.isascii() else ada_url.idna_to_ascii(host).decode("ascii")
    if entry.startswith(".") and _ENDING.fullmatch(host):
        return [f".{host}"]
    return [host] if _HOST.fullmatch(host) else []


def _normal_value(entry_type: EntryType, entry: str) -> list[str]:
    """Return an entry of a kind of values in the kind's normal form; its first word may be the kind's column."""
    kind, column = _KINDS[entry_type]
    word, _, value = entry.partition(" ")
    if not (value and _WORD.fullmatch(word)):
        word, value = "", entry
    for given in ({column: word}, {}) if word else ({},):
        try:
            return [kinds.get(kind).normalise(value, given).value]
        except Rejected:
            continue
    return []


def read_institutions(lines: Iterable[str]) -> Iterator[Institution]:
    """Read the rows of the table; a line that begins with ``#`` is a comment."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            country, what, name, *columns = line.rstrip("\n").split("\t")
            yield Institution(country, what, name, *(tuple(filter(None, cells.split(","))) for cells in columns))


def entries_of_institutions(institutions: Iterable[Institution], name: str) -> list[str]:
    """Return the entries of the list ``name`` in the table, written as in a file with one entry a line."""
    return list(
        dict.fromkeys(entry for institution in institutions for entry in _entries_of_institution(institution, name))
    )


def _entries_of_institution(institution: Institution, name: str) -> Iterable[str]:
    match name:
        case "institution-sites":
            return institution.sites if institution.what in _OWNER_TYPES else ()
        case "institution-hosts":
            return institution.sites if institution.what not in _OWNER_TYPES else ()
        case "institution-numbers":
            return (f"{institution.country} {number}".strip() for number in institution.numbers)
        case "institution-apps":
            return institution.apps
        case "institution-accounts":
            return institution.accounts
    return ()
