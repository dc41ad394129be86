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
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist, EntryType

_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}")
_WORD = re.compile(r"[A-Za-z][\w.-]*")
_PREFIX = re.compile(r"^(?:misp|graphsense)__")
# A MISP rule for numbers: the country's code as an option, then the number with the 0 that is dialled within it.
_RULE = re.compile(r"/\(\(\?:\\\+\|00\)(\d+)\??(?:\|0\?)?\)\??([\d()|\[\]{}-]+)/g")
_MIN_SHARE = 0.5
# Whose normal form entries have, and the column that may stand before an entry, parted by a blank.
_KINDS = {
    EntryType.WALLETS: ("wallet", "chain"),
    EntryType.NUMBERS: ("phone", "country"),
    EntryType.ACCOUNTS: ("bank-account", "country"),
    EntryType.APPS: ("app", "os"),
    EntryType.PROFILES: ("social-account", "platform"),
}


def allowlist_of_file(path: str) -> Allowlist | None:
    """Give the list that a file is of, by its name or its folder's (``bank-website/list.json``); None for no list."""
    *folders, file = path.replace("\\", "/").split("/")
    stem = _PREFIX.sub("", re.sub(r"\.(?:gz|json|ya?ml|txt)\b", "", file))
    return ALLOWLISTS.get(folders[-1] if stem == "list" and folders else stem)


def entries(listing: Allowlist, content: bytes) -> list[str]:
    """Give the entries of a list in the form that values are compared with, sorted, each once.

    Raises ``Rejected`` for what is no such list, is empty, or holds mostly what its entries cannot be.
    """
    try:
        raw = [each for each in _raw(content.decode("utf-8-sig")) if each]
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        raise Rejected(
            "list-form", "no list: give a MISP warninglist (JSON), a GraphSense tag pack (YAML), or one entry a line"
        ) from None
    found = {entry for each in raw for entry in normalise_entry(listing.holds, each)}
    taken = sum(1 for each in raw if any(True for _ in normalise_entry(listing.holds, each)))
    if not raw or taken < len(raw) * _MIN_SHARE:
        raise Rejected(
            "list-content", f"{taken} of {len(raw)} entries are {listing.holds.value}: {listing.name} holds only such"
        )
    return sorted(found)


def _raw(text: str) -> Iterator[str]:
    start = text.lstrip()[:1]
    if start == "{":
        yield from (str(each) for each in json.loads(text)["list"])
    elif "\ntags:" in text or text.startswith("tags:"):
        pack: dict[str, Any] = yaml.safe_load(text)
        for tag in pack["tags"]:
            yield f"{tag.get('currency', pack.get('currency', ''))} {tag['address']}".strip()
    else:
        yield from (line.partition("#")[0].strip() for line in text.splitlines())


def normalise_entry(holds: EntryType, entry: str) -> Iterable[str]:
    """Give the form in which values are compared with an entry; nothing for one that holds no such thing."""
    match holds:
        case EntryType.SITES | EntryType.SHARED | EntryType.OWNED:
            host = entry.lower().removeprefix("*").strip(".")
            host = host if host.isascii() else ada_url.idna_to_ascii(host).decode("ascii")
            return [host] if _HOST.fullmatch(host) else []
        case EntryType.ADDRESSES:
            try:
                network = ip_network(entry, strict=False)
                return [str(network.network_address if network.num_addresses == 1 else network)]
            except ValueError:
                return []
        case EntryType.RANGES:
            rule = _RULE.fullmatch(entry)
            return [rf"\+{rule[1]}{rule[2]}"] if rule else []
    kind, column = _KINDS[holds]
    word, _, value = entry.partition(" ")
    if not (value and _WORD.fullmatch(word)):
        word, value = "", entry
    for given in ({column: word}, {}) if word else ({},):
        try:
            return [kinds.get(kind).normalise(value, given).value]
        except Rejected:
            continue
    return []


# Whose mailboxes and pages are all their own. Those of others, as telecoms and search engines, may be customers'.
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
# Whose pages are their users'.
_PLATFORM = "platform"


class Institution(NamedTuple):
    """One row: where it is, what it is and who, and what is its own, each as people write it."""

    country: str
    what: str
    name: str
    sites: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


def read_institutions(lines: Iterable[str]) -> Iterator[Institution]:
    """Give the rows of the table; a line that begins with ``#`` is a remark."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            country, what, name, *columns = line.rstrip("\n").split("\t")
            yield Institution(country, what, name, *(tuple(filter(None, cells.split(","))) for cells in columns))


def entries_of_institutions(institutions: Iterable[Institution], name: str) -> list[str]:
    """Return what the list called ``name`` has of the table, as a list of one entry a line would have it."""
    return list(dict.fromkeys(entry for each in institutions for entry in _entries_of_institution(each, name)))


def _entries_of_institution(institution: Institution, name: str) -> Iterable[str]:
    match name:
        case "institution-sites":
            return institution.sites if institution.what in _OWNER_TYPES else ()
        case "institution-platforms":
            return institution.sites if institution.what == _PLATFORM else ()
        case "institution-hosts":
            return institution.sites if institution.what not in {*_OWNER_TYPES, _PLATFORM} else ()
        case "institution-numbers":
            return (f"{institution.country} {number}".strip() for number in institution.numbers)
        case "institution-apps":
            return institution.apps
        case "institution-accounts":
            return institution.accounts
    return ()
