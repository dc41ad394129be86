"""Objects within objects: each object with values is a report, and the names of the objects around it name its owner.

``{"victim": {"phone": …}, "suspect": {"bank": {"code": …}, "account": {"no": …}}}`` has one report: the number under
``victim`` is not read, and the bank and the number of the suspect's account belong together.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from feeds.readers.columns import roles
from feeds.readers.columns.columns import Columns, columns_of
from feeds.readers.columns.vocabulary import column_of_list, field_column, is_known_column, value_column, vocabulary
from feeds.readers.columns.word_tables import HINTS, CustomNames, current_custom_names, plain
from feeds.readers.rows import NO_NOTES, Notes, Row, Unreadable, of_one_line

Context = tuple[tuple[str, str], ...]
Cell = Callable[[object], str]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_DEEPEST = 8
# A longer list is not a list of the values of one scam.
_MOST_VALUES = 100
# Names that need the name of the object around them.
_VAGUE = frozenset(
    {"number", "no", "num", "id", "name", "address", "code", "value", "key", "type", "text", "uri", "label"}
)
# Fields that describe one value, and not all values of an object.
_OF_ONE = frozenset({"bank", "bic", "branch", "platform", "system", "kind", *HINTS})
_IDENTIFIERS = frozenset({"iban", "account_number", "company_number", "company_name"})
# Ways to reach people: below a heading without a role they may be an office's.
_CONTACTS = frozenset({"phone", "email", "social-account", "payment-alias"})
# Values that belong to one side of a payment.
_PAID = frozenset({"payment-alias", "wallet"})
_SENDERS = ("sender", "alphatag", "alphasender", "originator", "number")
# The name of a sender or a telephone number; not the name of a person.
_SENDER = re.compile(r"(?=\S*(?:\d|-|[A-Z]\S*[A-Z]))[\w+.&-]{3,20}|\+?[\d ()-]{3,20}")
_MESSAGES = frozenset({"message", "text", "body", "smstext", "messagetext", "smsbody", "content"})
_CALLS = frozenset({"sms", "phone", "messaging"})
_SMS_SENDER = "sms sender"
# Keys that name the platform or payment system, and the keys of its account, the surest first.
_SERVICES = frozenset(
    {"network", "platform", "service", "app", "provider", "system", "channel", "type", "method", "rail", "scheme"}
)
_ACCOUNTS = ("handle", "username", "accountid", "userid", "alias", "key", "identifier", "value", "account", "id")


class _Part(NamedTuple):
    """Objects read as one row: the path to each cell, and its text."""

    path: tuple[str, ...]
    cells: list[tuple[tuple[str, ...], str]]

    @property
    def columns(self) -> Columns:
        """Return the columns of the cells."""
        return _columns(tuple(path for path, _ in self.cells), ())


def has_objects(item: Mapping[Any, Any]) -> bool:
    """Return whether an object contains others."""
    return any(
        isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))
        for value in item.values()
    )


def spaced(name: str) -> str:
    """Return a name with blanks between its words: ``fraud reports`` for ``fraudReports``."""
    return " ".join(_CAMEL.split(name))


def rows(
    number: int, item: Mapping[Any, Any], path: Sequence[str], context: Context, cell: Cell
) -> list[Row | Unreadable]:
    """Make a row of each value in an object and the objects in it, at least one.

    ``path`` are the names of the lists around it. ``cell`` returns the text of a value. Raises ``RecursionError``.
    """
    parts = _parts(item, tuple(path), cell)
    others = [text for part, _ in parts for place, text in part.cells if _is_somebody_elses(place)]
    texts: dict[int, dict[str, str]] = {}
    read = [
        row
        for part, around in parts
        for row in _rows_of_part(number, part, {**dict(context), **_given(part, around, texts)})
    ]
    found = [row for row in read if not _has_no_value(row)] or ([] if others else read[:1])
    if others:
        found.append(Unreadable.of(number, ", ".join(others), *roles.OF_SOMEBODY_ELSE))
    if not found:
        return [Unreadable.of(number, "", "no-value", "the row has no value")]
    notes = dict.fromkeys(note for row in read for note in row.notes.all)
    return of_one_line([found[0]._replace(notes=Notes(notes) if notes else NO_NOTES), *found[1:]])


def _rows_of_part(number: int, part: _Part, given: Mapping[str, str]) -> list[Row | Unreadable]:
    read = [(place, text) for place, text in part.cells if not _is_somebody_elses(place)]
    columns = _columns(tuple(place for place, _ in read), tuple(given.items()))
    return columns.rows(number, [text for _, text in read]) if read else []


def _has_no_value(row: Row | Unreadable) -> bool:
    return isinstance(row, Unreadable) and row.reason in ("no-value", "no-value-column")


def _is_somebody_elses(path: tuple[str, ...]) -> bool:
    """Return whether a cell is in an object of a victim, a reporter or an office."""
    return len(path) > 1 and not _heading(path, current_custom_names())[1]


def names_subject(item: Mapping[Any, Any], path: Sequence[str] = ()) -> bool:
    """Return whether an object, or one in it, has a column that identifies what a report is about."""
    return any(part.columns.names_subject for part, _ in _parts(item, tuple(path), str))


def _parts(item: Mapping[Any, Any], path: tuple[str, ...], cell: Cell) -> list[tuple[_Part, tuple[_Part, ...]]]:
    """Return the parts of an object, each with the parts around it from the inside to the outside."""
    if len(path) > _DEEPEST:
        raise RecursionError
    own, inner = _Part(path, []), list[tuple[_Part, tuple[_Part, ...]]]()
    (account, service), sender = _of_service(item), _sender_of(item)
    for key, value in item.items():
        here = (*path, service if key == account else _SMS_SENDER if key == sender else str(key))
        if isinstance(value, dict):
            first, *others = _parts(value, here, cell)
            if _belongs(first[0]):
                own.cells.extend(first[0].cells)
            else:
                inner.append(first)
            inner += others
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            for one in value:
                inner += _parts(one, here, cell) if isinstance(one, dict) else []
        else:
            own.cells.extend(_cells_of(here, value, cell))
    return [(own, ()), *((part, (*around, own)) for part, around in inner)]


def _cells_of(here: tuple[str, ...], value: object, cell: Cell) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the cells of a member without objects: one for each value of a list."""
    if isinstance(value, list) and len(value) <= _MOST_VALUES:
        column = column_of_list(here[-1])
        here = here if column == "value" else (*here[:-1], column)
        yield from ((here, text) for text in map(cell, value) if text)
    elif text := cell(value):
        yield here, text


def with_senders(item: Mapping[Any, Any], names: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the keys of an object; the key of a message's sender is replaced by the name of such a column."""
    key = _sender_key(names)
    if key is None or not _SENDER.fullmatch(str(item[key])):
        return names
    return tuple(_SMS_SENDER if name == key else name for name in names)


@lru_cache(maxsize=4096)
def _sender_key(names: tuple[Any, ...]) -> Any:
    """Return the key with the sender of a message, None if the object is no message."""
    keys = {plain(str(name)): name for name in names}
    return next((keys[name] for name in _SENDERS if name in keys), None) if _MESSAGES & keys.keys() else None


def _sender_of(item: Mapping[Any, Any]) -> Any:
    """Return the key with the sender of a message or call, None if the object is neither."""
    names = tuple(name for name, value in item.items() if isinstance(value, str))
    meanings = vocabulary().meanings["channel"]
    stated = any(
        plain(str(name)) in ("type", "channel") and meanings.get(plain(item[name])) in _CALLS for name in names
    )
    key = _sender_key((*names, "message") if stated else names)
    return key if key is not None and _SENDER.fullmatch(item[key]) else None


def _of_service(item: Mapping[Any, Any]) -> tuple[Any, str]:
    """Return the key of an account, and its platform or payment system by another key; otherwise None and ""."""
    words = vocabulary()
    for key, value in item.items():
        if (
            isinstance(value, str)
            and plain(str(key)) in _SERVICES
            and (column := value_column(value, words))
            and column.given
        ):
            keys = {plain(str(other)): other for other, text in item.items() if isinstance(text, str) and other != key}
            account = next((keys[name] for name in _ACCOUNTS if name in keys), None)
            return account, value
    return None, ""


def _belongs(part: _Part) -> bool:
    """Return whether an object only completes the one around it: the bank of an account, or its number."""
    columns = part.columns
    return not columns.names_subject or columns.lack_bank


def _given(part: _Part, around: Sequence[_Part], texts: dict[int, dict[str, str]]) -> dict[str, str]:
    """Return the fields that the objects around a part state for it, the nearest first.

    ``texts`` has the fields of those objects by identity, each read once.
    """
    given: dict[str, str] = {}
    for outer in around:
        if (stated := texts.get(id(outer))) is None:
            columns = outer.columns
            left_out = _IDENTIFIERS | (_OF_ONE if columns.names_subject else frozenset())
            found = columns.texts([text for _, text in outer.cells]).items()
            stated = texts[id(outer)] = {field: text for field, text in found if field not in left_out}
        given = stated | given
    return given


def _columns(paths: tuple[tuple[str, ...], ...], context: Context) -> Columns:
    headings = [_heading(path, current_custom_names()) for path in paths]
    unread = frozenset(place for place, (_, is_read) in enumerate(headings) if not is_read)
    return columns_of(tuple(name for name, _ in headings), context, not_read=unread)


@lru_cache(maxsize=4096)
def _heading(path: tuple[str, ...], _: CustomNames) -> tuple[str, bool]:
    """Return the name of a column by the path to its cells, and whether it is read."""
    parts, words = [spaced(name) for name in path], vocabulary()
    name = _name(parts)
    column, field = value_column(name, words), field_column(name, words)
    paid = (field is not None and field[1] in words.subjects) or (column is not None and column.kind in _PAID)
    stated = [*(_role(part, party=True, paid=paid) for part in parts[:-1]), _role(parts[-1], party=paid, paid=paid)]
    nearest = roles.nearest(stated)
    if nearest == "person":
        return " ".join(parts), False
    if nearest == "suspect" or column is None or column.kind not in _CONTACTS:
        return name, True
    return name, all(map(_is_clear, parts[:-1]))


def _role(part: str, *, party: bool, paid: bool) -> roles.Role:
    """Return the role that a name states, also if it lacks the marks on its letters: ``doi_tuong``.

    The receiver of a payment is the suspect, of a message the victim.
    """
    words = vocabulary()
    spelled = plain(part)
    stated = roles.role_of(part)
    if (
        stated == "suspect"
        or (paid and stated == "receiver")
        or not words.suspects.isdisjoint((spelled, spelled.removesuffix("s")))
    ):
        return "suspect"
    return "person" if party and not words.parties.isdisjoint((spelled, *map(plain, part.split()))) else stated


def _is_clear(part: str) -> bool:
    """Return whether the name of an object says that its values are reports: its kind, or a word such as ``case``."""
    words = vocabulary()
    if plain(part) in words.contacts:
        return False
    return roles.role_of(part) == "neutral" or plain(part).removesuffix("s") in words.kinds


def _name(parts: Sequence[str]) -> str:
    """Return the known name of a column: its own, or that of the object around it with its own."""
    own = parts[-1]
    if is_known_column(own) and plain(own) not in _VAGUE:
        return own
    for place in range(len(parts) - 2, -1, -1):
        for joined in (f"{parts[place]} {own}", " ".join(parts[place:])):
            if is_known_column(joined):
                return joined
    return own if is_known_column(own) else " ".join(parts)
