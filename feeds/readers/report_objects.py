"""Objects of JSON and YAML as rows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import orjson

from feeds.errors import UnreadableFile
from feeds.readers import nested
from feeds.readers.columns import roles
from feeds.readers.columns.columns import columns_of, key_of_kind
from feeds.readers.columns.values_in_cells import SAMPLE, are_values, is_value
from feeds.readers.columns.vocabulary import (
    column_of_list,
    is_subject_column,
    is_value_column,
    kind_of_word,
    scam_type_of_tags,
)
from feeds.readers.columns.word_tables import plain
from feeds.readers.rows import Note, Row, Unreadable
from feeds.readers.streams import JsonItem, MalformedLine
from schemas.fields import SHARING_COLUMNS

Context = tuple[tuple[str, str], ...]

_LIMITS = frozenset(SHARING_COLUMNS.names)
_BAD_SHARING = ("bad-sharing", f"sharing: an object with {', '.join(SHARING_COLUMNS.names)} only")
_DEEPEST = 20
# A longer list is not a list of the values of one scam.
_MOST_VALUES = 100


def rows(
    number: int,
    item: object,
    context: Context = (),
    column: str = "value",
    found: tuple[str, str] | None = None,
    path: Sequence[str] = (),
) -> list[Row | Unreadable]:
    """Make a row of each value of an object, or of a single value in the column ``column``.

    ``context`` are fields that apply to the list around the item, and ``path`` names of that list that name the
    owner of the values; ``found`` is a key with values of a kind, and the kind.
    """
    try:
        return _rows(number, item, context, column, found, path)
    except RecursionError:
        return [
            Unreadable.of(number, "", "nested-too-deeply", "lists are nested: a column is a text or a list of texts")
        ]


def _rows(
    number: int, item: object, context: Context, column: str, found: tuple[str, str] | None, path: Sequence[str]
) -> list[Row | Unreadable]:
    if isinstance(item, dict):
        return _rows_of_object(number, item, context, found, path)
    if isinstance(item, str | int | float) and not isinstance(item, bool) and (value := _cell(item).strip()):
        return columns_of((column,), context).rows(number, (value,))
    message = "neither an object with columns nor a value as text"
    return [Unreadable.of(number, _cell(item) or repr(item), "not-a-record", message)]


def _rows_of_object(
    number: int, item: dict[Any, Any], context: Context, found: tuple[str, str] | None, path: Sequence[str]
) -> list[Row | Unreadable]:
    if (limits := item.get("sharing")) is not None:
        if not isinstance(limits, dict) or not limits.keys() <= _LIMITS:
            return [Unreadable.of(number, "", *_BAD_SHARING)]
        item = {**{key: value for key, value in item.items() if key != "sharing"}, **limits}
    for field in ("hold", "paid"):
        if isinstance(item.get(field), dict):
            parts = {f"{field}_{name}": value for name, value in item[field].items()}
            item = {name: value for name, value in item.items() if name != field} | parts
    if nested.has_objects(item):
        return nested.rows(number, item, path, context, _cell)
    names = tuple(item)
    cells = [value if type(value) is str else _cell(value) for value in item.values()]
    if any(type(value) is list for value in item.values()):
        names, cells = _with_lists_apart(item)
    return columns_of(nested.with_senders(item, names), context, found).rows(number, cells)


def _with_lists_apart(item: dict[Any, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Return the keys and the cells of an object, with a separate cell for each value of a list."""
    names: list[str] = []
    cells: list[str] = []
    for key, value in item.items():
        column = column_of_list(str(key)) if type(value) is list and len(value) <= _MOST_VALUES else "value"
        if column != "value" or (plain(str(key)) in ("value", "values") and type(value) is list):
            texts = list(filter(None, map(_cell, value)))
            names += [column] * len(texts)
            cells += texts
        else:
            names.append(key)
            cells.append(_cell(value))
    return tuple(names), cells


def text(value: object) -> str:
    """Return a value as text in the form of a CSV cell, "" for objects and for lists nested too deeply."""
    try:
        return _cell(value)
    except RecursionError:
        return ""


def _cell(value: object, depth: int = 0) -> str:
    """Return a value as ``text`` does. Raises ``RecursionError`` for lists nested deeper than ``_DEEPEST``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return repr(value)  # with its decimal part, the sign of zeros in front that may be lost
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        if depth == _DEEPEST:
            raise RecursionError
        return ",".join(filter(None, (_cell(item, depth + 1) for item in value)))
    return ""


def loads(data: str) -> Any:
    """Parse JSON, also with NaN, unpaired surrogates and integers of any size. Raises ``ValueError``."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.encode("utf-8", "replace"), parse_int=str)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


# Kinds of abuse that are not scams: partners that act on scams must not act on these.
_RIGHTS = frozenset({"copyright", "piracy", "trademark"})
# Confidence of an algorithm's prediction without a person's confirmation.
_PREDICTED = "50"


def rows_of_signals(items: Iterable[JsonItem | MalformedLine]) -> Iterator[Row | Unreadable]:
    """Yield each signal, or the reason why it is not a report."""
    for item in items:
        if isinstance(item, MalformedLine):
            yield item.refused("signal")
        elif isinstance(item.value, dict):
            yield row_of_signal(item.number, item.value)
        else:
            yield Unreadable.of(item.number, text(item.value), "not-a-record", "not an object with a signal")


def row_of_signal(number: int, signal: Mapping[str, Any]) -> Row | Unreadable:
    """Return the report of a signal, or the reason why it is not one."""
    value, abuse = text(signal.get("signal")).strip(), text(signal.get("abuse_type")).lower()
    if not value:
        return Unreadable.of(number, "", "no-value", "the signal is empty")
    if abuse in _RIGHTS:
        return Unreadable.of(
            number, value, "not-a-scam", "reported for an infringement of rights, not as part of a scam"
        )
    if "false" in text(signal.get("status")).lower():
        return Unreadable.of(number, value, "not-a-scam", "its status says that the report was false")
    kind = text(signal.get("signal_type"))
    score = text(signal.get("confidence_score"))
    predicted = signal.get("predictive") in (True, 1, "1", "true")
    fields = {
        "value": value,
        "kind": kind_of_word(kind) or kind,
        "reported_at": text(signal.get("report_date")),
        "scam_type": scam_type_of_tags([abuse]),
        "confidence": score or (_PREDICTED if predicted else ""),
        "reference": text(signal.get("id")),
    }
    return Row(number, {name: cell for name, cell in fields.items() if cell})


# One document may contain allowlists and blocklists; confusing them would block innocent values.
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
# A word of letters is not part of an id or date.
_WORD = re.compile(r"[^\W\d_a-f]{2}|[^\W\d_]{5}", re.IGNORECASE)
_SITES = "the lists with sites as their keys"


class _List(NamedTuple):
    """A list in a document: its path, its items, the scalars next to it, and its key."""

    path: str
    items: list[Any]
    beside: dict[str, Any]
    key: str = ""


def rows_of_document(document: object, path: str = "", kind: str | None = None) -> Iterator[Row | Unreadable]:
    """Yield the reports of a document, and each entry of its other lists with the reason why it is not a report.

    ``path`` selects the list (``data.items``). Without it, the list is the document itself or is found by its name, and
    an allowlist is never read. Texts next to the list (currency, tlp, …) apply to each item. Items are numbered from 1
    through the whole document. If no key is known to have values, the key whose values are of ``kind`` is read. Raises
    ``UnreadableFile`` if ``path`` leads to no list.
    """
    number = 0
    for found, refusal in _chosen(document, path):
        context, column = _context(found), column_of_list(found.path.rpartition(".")[2])
        key = key_of_kind(found.items, kind)
        whose = [found.path] if _role(found) in ("suspect", "office") else []
        by_site = [Note("column", _SITES)] if len(found.key) > 1 and is_value(found.key) else []
        for item in found.items:
            number += 1
            if refusal:
                yield Unreadable.of(number, _raw(item), *refusal)
            else:
                made = rows(number, item, context, column, (key, kind) if key and kind else None, whose)
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
            yield from rows(number, item, found=(key, kind) if key and kind else None)


def _chosen(document: object, path: str) -> Iterator[tuple[_List, tuple[str, str] | None]]:
    """Yield the lists of a document, each with the reason why it contains no reports, None if it does."""
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
    """Choose the lists of reports: by a name for bad values, else by a name for reports, else the only one."""
    unsafe = [listed for listed in found if not _is_called(listed, _SAFE) and _role(listed) != "person"]
    bad = [listed for listed in unsafe if _is_called(listed, _BAD)]
    if bad:
        return bad
    named = [
        listed
        for listed in unsafe
        if plain(listed.path.rpartition(".")[2]) in _NEUTRAL or (_role(listed) != "office" and _holds_reports(listed))
    ]
    if named or len(found) == 1:
        return named or unsafe
    # An allowlist among them makes the others doubtful.
    return [listed for listed in unsafe if _holds_values(listed)] if len(unsafe) == len(found) else []


def _holds_values(listed: _List) -> bool:
    """Return whether a list has a site, an id or a date as its key, and contains values or objects with one."""
    if not (is_value(listed.key) or (any(map(str.isdigit, listed.key)) and not _WORD.search(listed.key))):
        return False
    objects = [item for item in listed.items[:SAMPLE] if isinstance(item, dict)]
    if objects:
        return any(is_subject_column(name) for name in {str(key) for item in objects for key in item})
    return are_values(item for item in listed.items if isinstance(item, str))


def _holds_reports(listed: _List) -> bool:
    """Return whether each of a list's first objects has a column that identifies what a report is about."""
    objects = [item for item in listed.items[:SAMPLE] if isinstance(item, dict)]
    return bool(objects) and all(nested.names_subject(item) for item in objects)


def _role(listed: _List) -> roles.Role:
    return "" if is_value(listed.key) else roles.role_of(nested.spaced(listed.path.rpartition(".")[2]))


def _is_called(listed: _List, words: tuple[str, ...]) -> bool:
    if is_value(listed.key):  # a site as the key says nothing about the list
        return False
    names = [plain(name) for name in listed.path.split(".")]
    return any(word in name for name in names for word in words)


def _refusal(listed: _List, wanted: list[_List]) -> tuple[str, str]:
    if _role(listed) == "person":
        return roles.OF_SOMEBODY_ELSE
    if _is_called(listed, _SAFE):
        return "not-a-report", f"listed under {listed.path}: this is an allowlist, not a list of scams"
    if wanted:
        return "not-a-report", f"listed under {listed.path}; the reports are under {wanted[0].path}"
    return "not-a-report", f"several lists: select the one with the reports (--format json:{listed.path})"


def _not_for_here(items: list[Any], document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the reason why a document of another format contains no reports, None for all others."""
    if "matching_attributes" in document and "list" in document:
        return "not-a-report", "a MISP warning list: it contains safe values, not scams"
    first = items[0] if items and isinstance(items[0], dict) else {}
    if document.get("type") == "bundle" or "spec_version" in first:
        return "not-a-report", "a STIX object, not a raw report: set its format (--format stix)"
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
        return [{"value": str(key), "category": text(member)} for key, member in document.items()]
    if document and all(isinstance(member, dict) and not _is_part(str(key)) for key, member in document.items()):
        objects = document.items()
        return [{"value": str(key), **member} for key, member in objects] if by_value else list(document.values())
    return [document]


def _is_part(key: str) -> bool:
    """Return whether an object of that name is a part of a report, not a report itself."""
    return roles.role_of(nested.spaced(key)) in ("person", "suspect", "office") and not is_value(key)


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
        raise UnreadableFile(f"the value at {path} in the document is not a list")
    return _List(path, value, beside)


def _context(found: _List) -> Context:
    """Return the fields that the texts next to a list state for all of its items."""
    cells = [text(value) for value in found.beside.values()]
    return tuple(columns_of(tuple(found.beside)).texts(cells).items())


def _raw(item: object) -> str:
    if isinstance(item, dict):
        return ", ".join(filter(None, map(text, item.values())))
    return text(item)
