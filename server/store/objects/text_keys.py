"""The index of texts: the stretches of the log whose rows may mention a value in a text, or be about an object.

A stretch is a few rows that follow each other in a log. Its keys are digests, by a secret of the hub, of the beginnings
the words in their texts, of their values without prefixes, and of the ids that they are about. When a row is changed or
removed, the keys of its stretch are made again from the rows that are left.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import BigInteger, Integer, bindparam, delete, select, tuple_, update

from schemas import beginnings
from server.store import hub_identity, subjects
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.objects import bodies, ends
from server.store.tables import objects, text_keys

# The rows in a stretch, read together if it has a key that is looked for; fewer of rows with many words, and bytes of
# keys in merged ones.
ROWS, _WORDS, _LARGE = 128, 500, 16 * 1024
# The properties by which an object is about others.
TARGETS = frozenset(("sighting_of_ref", "source_ref", "target_ref", "object_ref", "object_refs"))
# Properties that name or date an object, and have no words.
WORDLESS = frozenset(("id", "type", "spec_version", "created", "modified", "pattern", "lang"))
# Those that name the value of an indicator, of its texts in other languages, or of an observable.
OWN_NAMES = frozenset(("name", "contents", "value", "number", "account_number", "iban", "address", "user_id"))
_OF_VALUES = WORDLESS | OWN_NAMES | {"pattern_type", "pattern_version", "valid_from", "valid_until"}
_OF_OTHERS = frozenset(("id", "type", "spec_version", "created", "modified"))
_REFS = ("_ref", "_refs")
_TRANSLATION = "language-content"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_NAMED = frozenset(("domain", "url", "email", "ip"))
_USE = "text-keys"
_BYTES = 4
# Texts, and names of values, whose keys are remembered; longer texts are not.
_MOST_KNOWN, _LONGEST = 4_096, 256
# With more keys than this, a set is faster than a search for each.
_FEW = 24


class TextStretch(NamedTuple):
    """A part of a log, from one ``date_added`` to another, both included."""

    log: int
    begins: int
    ends: int


_R = TypeVar("_R")


class Words(NamedTuple):
    """The texts of some rows, the ids that they are about, and their values without prefixes."""

    texts: set[str]
    ids: set[str]
    values: set[str]

    @classmethod
    def none(cls) -> "Words":
        """Return no words."""
        return cls(set(), set(), set())

    def add(self, body: bytes, subject: str | None, *, is_of_value: bool) -> None:
        """Add those of a row about the value ``subject``; ``is_of_value``: the log has the number of its value."""
        try:
            obj: dict[str, Any] = msgspec.json.decode(body)
        except (RecursionError, msgspec.MsgspecError):
            # Nested too deeply, or with numbers out of range: the beginnings of its words are in its JSON text, too.
            self.texts.add(body.decode())
            self.ids.update(beginnings.ids_in(body.decode()))
            return
        if is_of_value:
            _add_texts(obj, _OF_VALUES, self.texts)
            if subject is not None:
                self.values.add(bare(subject))
        else:
            _add_texts(obj, _OF_VALUES if obj.get("type") == _TRANSLATION else _OF_OTHERS, self.texts)
        if not TARGETS.isdisjoint(obj):
            self.ids.update(beginnings.ids_in(" ".join(str(obj.get(name)) for name in TARGETS)))


def bare(subject: str) -> str:
    """Return the part of a value's name that other values written alike share: its number, handle or host."""
    kind, _, value = subject.partition(":")
    if kind in _NAMED:
        host = value.rpartition("@")[2] if kind == "email" else value.partition("://")[2].partition("/")[0] or value
        return host.removeprefix("www.").lower()
    return value.rpartition(":")[2].removeprefix("+").lower()


def _add_texts(obj: dict[str, Any], leaving: Set[str], found: set[str]) -> None:
    """Add the texts of an object, however deeply it is nested."""
    parts: list[Any] = [obj]
    # The list grows while it is read.
    for part in parts:
        if type(part) is dict:
            values = [inner for name, inner in part.items() if name not in leaving and not name.endswith(_REFS)]
        else:
            values = part
        for inner in values:
            if type(inner) is str:
                # No value is a part of a time.
                if len(inner) >= beginnings.SHORT and not (inner[-1] == "Z" and _TIME.fullmatch(inner)):
                    found.add(inner)
            elif type(inner) is dict or type(inner) is list:
                parts.append(inner)


class TextKeys:
    """Makes the keys of one store."""

    def __init__(self, secret: bytes) -> None:
        """Digest with the ``secret``."""
        self._secret = secret
        self._known: dict[str, tuple[bytes, ...]] = {}

    def of(self, words: Words) -> bytes:
        """Return the keys of some rows, each once."""
        found = {key for text in words.texts for key in self._of_text(text)}
        found |= self.of_ids(words.ids) | self.of_values(words.values)
        return b"".join(found)

    def of_beginnings(self, found: Iterable[str]) -> set[bytes]:
        """Return the keys of beginnings of words."""
        return set(map(self._digest, found))

    def of_ids(self, ids: Iterable[str]) -> set[bytes]:
        """Return the keys of ids by their UUIDs."""
        return {self._digest(f"-{id_[-36:]}") for id_ in ids}

    def of_values(self, values: Iterable[str]) -> set[bytes]:
        """Return the keys of values without prefixes."""
        return {self._digest(f"={value}") for value in values}

    def _of_text(self, text: str) -> tuple[bytes, ...]:
        found = self._known.get(text)
        if found is None:
            found = tuple(map(self._digest, beginnings.of_text(text)))
            if len(text) <= _LONGEST:
                if len(self._known) >= _MOST_KNOWN:
                    self._known = {}
                self._known[text] = found
        return found

    def _digest(self, word: str) -> bytes:
        return blake2b(word.encode(), digest_size=_BYTES, key=self._secret).digest()


def of(tx: Tx) -> TextKeys:
    """Return the maker of the keys of the store of ``tx``."""
    found: TextKeys | None = tx.info.get(_USE)
    if found is None:
        # Kept as long as the connection.
        found = tx.info[_USE] = _shared(hub_identity.secret(tx, _USE))
    return found


@lru_cache(maxsize=4)
def _shared(secret: bytes) -> TextKeys:
    """Return the maker that all connections of the process use, with the keys that it remembers."""
    return TextKeys(secret)


def add(tx: Tx, made: Sequence[tuple[TextStretch, int, bytes]]) -> None:
    """Store new stretches, each with the number of its rows and its keys."""
    _ADD.run(tx, [(*stretch, size, keys) for stretch, size, keys in made])


def index(tx: Tx, log: int, after: int, until: int, most: int) -> int | None:
    """Index the next ``most`` rows of a log after a place, up to ``until``; return the place reached, None at the end.

    The rows must not be indexed yet. The log is locked.
    """
    ends.lock(tx, {log})
    rows = list(_rows(tx, TextStretch(log, after + 1, until), most))
    at_end = len(rows) < most
    if not at_end:
        # The other variant of the last row may follow.
        rows = [row for row in rows if row.date_added < rows[-1].date_added]
    made = in_stretches(of(tx), rows, _adder(tx, rows), lambda one, other: one.date_added == other.date_added)
    add(tx, [(TextStretch(log, *_span(some)), len(some), keys) for some, keys in made])
    return None if at_end else rows[-1].date_added


def find(
    tx: Tx, before: tuple[int, int] | None, most: int, wanted: Callable[[TextStretch], Set[bytes]]
) -> tuple[list[TextStretch], tuple[int, int] | None]:
    """Return those of the next ``most`` stretches that have a ``wanted`` key, and the place reached; None at the end.

    They are read from the last one on, ``before`` a place, so that merged ones are not missed.
    """
    asked = select(_t.log, _t.begins, _t.ends, _t.digests).order_by(_t.log.desc(), _t.begins.desc()).limit(most)
    if before is not None:
        asked = asked.where(tuple_(_t.log, _t.begins) < tuple_(*before))
    rows = tx.execute(asked).all()
    found = [stretch for *place, keys in rows if _has(bytes(keys), wanted(stretch := TextStretch(*place)))]
    return found, (rows[-1].log, rows[-1].begins) if len(rows) == most else None


def renew(tx: Tx, log: int, places: Iterable[int]) -> None:
    """Make the keys of the stretches with these places of a log again, after their rows were changed or removed."""
    stretches = {TextStretch(log, *row) for place in places for row in tx.execute(_AT, {"of_log": log, "at": place})}
    for stretch in sorted(stretches):
        rows, words = list(_rows(tx, stretch, None)), Words.none()
        add_words = _adder(tx, rows)
        for row in rows:
            add_words(words, row)
        keys = of(tx).of(words)
        mine = (_t.log == stretch.log, _t.begins == stretch.begins)
        tx.execute(update(text_keys).where(*mine).values(digests=keys) if keys else delete(text_keys).where(*mine))


def merge(tx: Tx, log: int, after: int, most: int) -> int:
    """Merge the next ``most`` stretches of a log that begin after a place, and return the place to continue from.

    The log is locked.
    """
    ends.lock(tx, {log})
    asked = select(_t.begins, _t.ends, _t.size, _t.digests).where(_t.log == log, _t.begins > after)
    group: list[Any] = []
    for row in tx.execute(asked.order_by(_t.begins).limit(most)).all():
        group.append(row)
        if sum(one.size for one in group) < ROWS and sum(len(one.digests) for one in group) < _LARGE:
            continue
        if len(group) > 1:
            tx.execute(delete(text_keys).where(_t.log == log, _t.begins.in_([one.begins for one in group])))
            keys = b"".join({key for one in group for key in _split(bytes(one.digests))})
            _ADD.run(tx, [(log, group[0].begins, row.ends, sum(one.size for one in group), keys)])
        after, group = row.begins, []
    return after


class _Row(NamedTuple):
    date_added: int
    space: int
    value: int | None
    body: bytes


def _rows(tx: Tx, stretch: TextStretch, most: int | None) -> Iterator[_Row]:
    given = {"of_log": stretch.log, "begins": stretch.begins, "ends": stretch.ends}
    store = bodies.of(tx)
    asked = tx.execute(_ALL_ROWS, given) if most is None else tx.execute(_ROWS, {**given, "most": most})
    for date_added, space, value, body in asked.all():
        yield _Row(date_added, space, value, store.first(tx, bytes(body)))


def in_stretches(
    maker: TextKeys, rows: Sequence[_R], add: Callable[[Words, _R], None], together: Callable[[_R, _R], bool]
) -> Iterator[tuple[Sequence[_R], bytes]]:
    """Yield the rows of the stretches that have keys, with these.

    ``add`` adds the words of a row. A stretch does not end between two rows that belong ``together``.
    """
    start, words = 0, Words.none()
    for end, row in enumerate(rows, 1):
        add(words, row)
        is_full = end - start >= ROWS or len(words.texts) + len(words.ids) >= _WORDS
        if end == len(rows) or (is_full and not together(row, rows[end])):
            if keys := maker.of(words):
                yield rows[start:end], keys
            start, words = end, Words.none()


def _adder(tx: Tx, rows: Iterable[_Row]) -> Callable[[Words, _Row], None]:
    """Return the function that adds the words of one of these rows."""
    names = subjects.names(tx, {row.value for row in rows if row.value is not None and row.space})

    def add(words: Words, row: _Row) -> None:
        subject = names.get(row.value) if row.value is not None else None
        words.add(row.body, subject, is_of_value=row.value is not None)

    return add


def _span(rows: Sequence[_Row]) -> tuple[int, int]:
    return rows[0].date_added, rows[-1].date_added


def _has(keys: bytes, wanted: Set[bytes]) -> bool:
    if len(wanted) > _FEW:
        return not wanted.isdisjoint(_split(keys))
    return any(_is_in(key, keys) for key in wanted)


def _is_in(key: bytes, keys: bytes) -> bool:
    at = keys.find(key)
    while at >= 0 and at % _BYTES:
        at = keys.find(key, at + 1)
    return at >= 0


def _split(keys: bytes) -> Iterator[bytes]:
    return (keys[at : at + _BYTES] for at in range(0, len(keys), _BYTES))


_t = text_keys.c
_c = objects.c
_ADD = ManyRows(
    "INSERT INTO text_keys (log, begins, ends, size, digests) VALUES (?, ?, ?, ?, ?)",
    "INSERT INTO text_keys (log, begins, ends, size, digests) SELECT * FROM unnest({arrays})",
    ("integer", "bigint", "bigint", "integer", "bytea"),
)
_ALL_ROWS = (
    select(_c.date_added, _c.space, _c.value, _c.body)
    .where(
        _c.collection == bindparam("of_log", type_=Integer),
        _c.date_added.between(bindparam("begins", type_=BigInteger), bindparam("ends", type_=BigInteger)),
    )
    .order_by(_c.date_added, _c.parts)
)
_ROWS = _ALL_ROWS.limit(bindparam("most", type_=BigInteger))
_BEFORE = (
    select(_t.begins, _t.ends)
    .where(_t.log == bindparam("of_log", type_=Integer), _t.begins <= bindparam("at", type_=BigInteger))
    .order_by(_t.begins.desc())
    .limit(1)
    .subquery()
)
_AT = select(_BEFORE.c.begins, _BEFORE.c.ends).where(_BEFORE.c.ends >= bindparam("at", type_=BigInteger))
