"""Documents (JSON, YAML): the lists in them that hold reports, and the reasons why other lists hold none."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

from feeds.errors import UnreadableFile
from feeds.readers import report_objects
from feeds.readers.columns.column_names import column_of_list, is_value_column
from feeds.readers.columns.columns import columns_of
from feeds.readers.columns.guessing import SAMPLE, are_values, is_value, key_of_kind
from feeds.readers.columns.notes import Note
from feeds.readers.columns.word_tables import plain
from feeds.readers.rows import Row, Unreadable

# Allowlists stand beside blocklists in one document; to confuse them blocks the innocent.
_SAFE = ("allow", "white", "safe", "fuzzy", "trust", "benign", "legit", "exclu", "exception", "ignore", "falsepositive")
_BAD = ("deny", "black", "block", "scam", "phish", "malicious", "fraud", "suspicious", "bad")
_NEUTRAL = frozenset(
    {
        "data",
        "items",
        "entries",
        "records",
        "results",
        "rows",
        "reports",
        "indicators",
        "iocs",
        "observables",
        "objects",
    }
    | {"values", "list", "tags", "domains", "hosts", "urls", "links", "phones", "numbers", "phonenumbers", "wallets"}
    | {"addresses", "accounts", "ibans", "bankaccounts"}
)
_CONTAINERS = frozenset({"data", "result", "results", "response", "payload", "body", "content", "export"})
_DEPTH = 4
# A word of letters is no part of an id or date.
_WORD = re.compile(r"[^\W\d_a-f]{2}|[^\W\d_]{5}", re.IGNORECASE)
_SITES = "the sites that the lists stand under"


class _List(NamedTuple):
    """A list in a document: its path, its items, the scalars beside it, and the key that it stands under."""

    path: str
    items: list[Any]
    beside: dict[str, Any]
    key: str = ""


def rows(document: object, path: str = "", kind: str | None = None) -> Iterator[Row | Unreadable]:
    """Yield the reports of a document, and each entry of its other lists with the reason why it is none.

    ``path`` names the list (``data.items``); without it, the list is the document itself or found by its name, and an
    allowlist is never read. Texts beside the list (currency, tlp, …) hold for each item. Items are numbered from 1
    through the whole document. Where no key is known to hold values, values are read from the key whose values are of
    ``kind``. Raises ``UnreadableFile`` where ``path`` leads to no list.
    """
    number = 0
    for found, refusal in _chosen(document, path):
        context, column = _context(found), column_of_list(found.path.rpartition(".")[2])
        key = key_of_kind(found.items, kind)
        by_site = [Note("column", _SITES)] if len(found.key) > 1 and is_value(found.key) else []
        for item in found.items:
            number += 1
            if refusal:
                yield Unreadable.of(number, _raw(item), *refusal)
            else:
                made = report_objects.rows(number, item, context, column, (key, kind) if key and kind else None)
                yield made[0]._replace(notes=made[0].notes + by_site) if by_site else made[0]
                yield from made[1:]


def rows_of_list(items: Iterable[object], kind: str | None = None) -> Iterator[Row | Unreadable]:
    """Yield the reports of a document that is a list, item by item."""
    refusal, items = None, iter(items)
    sample = list(islice(items, SAMPLE))
    key = key_of_kind(sample, kind)
    for number, item in enumerate(chain(sample, items), 1):
        if number == 1:
            refusal = _not_for_here([item], {})
        if refusal:
            yield Unreadable.of(number, _raw(item), *refusal)
        else:
            yield from report_objects.rows(number, item, found=(key, kind) if key and kind else None)


def _chosen(document: object, path: str) -> Iterator[tuple[_List, tuple[str, str] | None]]:
    """Yield the lists of a document, each with the reason why it holds no reports, None where it does."""
    if path:
        yield _at(document, path), None
        return
    if isinstance(document, list):
        yield _List("", document, {}), _not_for_here(document, {})
        return
    if not isinstance(document, dict):
        yield _List("", [document], {}), None
        return
    found = list(_lists("", document, 0))
    if not found:
        yield _List("", _records(document), {}), None
        return
    if refusal := _not_for_here(found[0].items, document):
        yield from ((listed, refusal) for listed in found)
        return
    wanted = _wanted(found)
    for listed in found:
        yield listed, None if listed in wanted else _refusal(listed, wanted)


def _wanted(found: list[_List]) -> list[_List]:
    """Choose the lists of reports: those called bad, else those with a name that reports have, else the only one."""
    unsafe = [listed for listed in found if not _is_called(listed, _SAFE)]
    bad = [listed for listed in unsafe if _is_called(listed, _BAD)]
    if bad:
        return bad
    named = [listed for listed in unsafe if plain(listed.path.rpartition(".")[2]) in _NEUTRAL]
    if named or len(found) == 1:
        return named or unsafe
    # An allowlist among them makes the others doubtful.
    return [listed for listed in unsafe if _holds_values(listed)] if len(unsafe) == len(found) else []


def _holds_values(listed: _List) -> bool:
    """Return whether a list stands under a site, an id or a date, and holds values or objects with one."""
    if not (is_value(listed.key) or (any(map(str.isdigit, listed.key)) and not _WORD.search(listed.key))):
        return False
    objects = [item for item in listed.items[:SAMPLE] if isinstance(item, dict)]
    if objects:
        return columns_of(tuple(dict.fromkeys(str(key) for item in objects for key in item))).names_subject
    return are_values(item for item in listed.items if isinstance(item, str))


def _is_called(listed: _List, words: tuple[str, ...]) -> bool:
    if is_value(listed.key):  # the name of a site means nothing for the list under it
        return False
    names = [plain(name) for name in listed.path.split(".")]
    return any(word in name for name in names for word in words)


def _refusal(listed: _List, wanted: list[_List]) -> tuple[str, str]:
    if _is_called(listed, _SAFE):
        return "not-a-report", f"listed under {listed.path}: this is an allowlist, not a list of scams"
    if wanted:
        return "not-a-report", f"listed under {listed.path}; the reports are under {wanted[0].path}"
    return "not-a-report", f"several lists: name the one that holds the reports (--format json:{listed.path})"


def _not_for_here(items: list[Any], document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the reason why a document of another format holds no reports, None for all others."""
    if "matching_attributes" in document and "list" in document:
        return "not-a-report", "a MISP warning list: it names what is safe, not what is a scam"
    first = items[0] if items and isinstance(items[0], dict) else {}
    if document.get("type") == "bundle" or "spec_version" in first:
        return "not-a-report", "an object in STIX, not a raw report: name its format (--format stix)"
    return None


def _lists(path: str, value: Mapping[str, Any], depth: int) -> Iterator[_List]:
    """Find the lists of texts or objects in an object and the containers in it."""
    beside = _scalars(value)
    for key, member in value.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(member, list) and any(isinstance(item, str | dict) for item in member):
            if not is_value_column(str(key)) or len(value) == 1 or not _is_record(value):
                yield _List(here, member, beside, str(key))
        elif isinstance(member, dict) and plain(str(key)) in _CONTAINERS and depth < _DEPTH:
            yield from _lists(here, member, depth + 1)


def _scalars(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: member for key, member in value.items() if isinstance(member, str | int | float)}


def _is_record(value: Mapping[str, Any]) -> bool:
    """Return whether an object with lists is one report: one of its keys is a value column."""
    return any(isinstance(member, str | int) and is_value_column(str(key)) for key, member in value.items())


def _records(document: dict[str, Any]) -> list[Any]:
    """Return the objects of a document without a list: its members by key or by value, else the document."""
    by_value = len(document) > 1 and are_values(map(str, document))
    if by_value and all(isinstance(member, str | int | float | None) for member in document.values()):
        return [{"value": str(key), "category": report_objects.text(member)} for key, member in document.items()]
    if document and all(isinstance(member, dict) for member in document.values()):
        objects = document.items()
        return [{"value": str(key), **member} for key, member in objects] if by_value else list(document.values())
    return [document]


def _at(document: object, path: str) -> _List:
    value, beside = document, dict[str, Any]()
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            raise UnreadableFile(f"the document has nothing at {path}")
        beside = _scalars(value)
        value = value[name]
    if isinstance(value, dict):
        value = _records(value)
    if not isinstance(value, list):
        raise UnreadableFile(f"what the document has at {path} is no list")
    return _List(path, value, beside)


def _context(found: _List) -> report_objects.Context:
    """Return the fields that the texts beside a list state for all of its items."""
    cells = [report_objects.text(value) for value in found.beside.values()]
    return tuple(columns_of(tuple(found.beside)).texts(cells).items())


def _raw(item: object) -> str:
    if isinstance(item, dict):
        return ", ".join(filter(None, map(report_objects.text, item.values())))
    return report_objects.text(item)
