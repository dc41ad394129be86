"""Dictionaries trained on a store's own bodies, which compress them better than the built-in one."""

import logging
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import zstandard
from sqlalchemy import BigInteger, Integer, bindparam, func, literal_column, select, text

from server.store.database.engine import HAS_TIMELINES, Store, Tx
from server.store.database.sql import TIMELINE, database_time
from server.store.objects import bodies
from server.store.tables import collections, dictionaries, objects

log = logging.getLogger(__name__)

# A store trains its first dictionary at this size, and again after each fiftyfold growth, three in all.
_FIRST_AT, _GROWTH, _MOST = 5_000, 50, 3
# Numbers go from 2 to 118. After a failover others are used: the database may have lost a dictionary with its number.
_TIMELINES = 39
_SIZE = 48 * 1024
# The newest objects of each collection. The training takes a second.
_MOST_SAMPLES, _FEWEST_SAMPLES, _LONGEST = 1_500, 1_000, 16 * 1024
# A new dictionary is tried on the newest objects, and used if it reaches this ratio.
_TRIED, _WORTH = 300, 0.97
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+(?:[-._][0-9A-Za-z\x80-\xff]+)*")
_SECONDS = re.compile(rb"[0-9]{2}(?:\.[0-9]+)?Z")
_HEX_WORD = re.compile(rb"[0-9a-f-]+")
_ZERO, _NINE = b"09"
_DIGITS, _HEXADECIMAL, _LETTERS = b"0123456789", b"0123456789abcdef", b"abcdefghijklmnopqrstuvwxyz"
# Rarer words are not included: they may be values, or the last remains of an erased object.
_SHARED = 0.01


class DictionaryTrainer:
    """Trains the dictionaries of one store when they are due."""

    def __init__(self, store: Store) -> None:
        """Train dictionaries for ``store``."""
        self._store = store
        # The size of the store at the last training without success.
        self._in_vain = 0

    def train(self) -> int:
        """Load others' dictionaries, train one if it is due, and return the number of trained ones."""
        with self._store.read() as tx:
            bodies.of(tx).learn(tx)
            size = _due(tx)
            if size is None or size < 2 * self._in_vain:
                return 0
            samples = list(_samples(tx))
            packer = bodies.of(tx).packer()
        if len(samples) < _FEWEST_SAMPLES:
            self._in_vain = size
            return 0
        made = train(samples)
        if made is None or not _is_worth_it(made, packer, samples[:_TRIED]):
            self._in_vain = size
            return 0
        with self._store.begin() as tx:
            if _due(tx) is not None:
                number = _next_number(tx)
                tx.execute(_ADD, {"number": number, "made": database_time(tx), "bytes": made})
                log.info("dictionary-made number=%s samples=%s", number, len(samples))
        with self._store.read() as tx:
            bodies.of(tx).learn(tx)
        return 1


def train(samples: Sequence[bytes]) -> bytes | None:
    """Return a dictionary of the common parts of many samples, or None if there are too few."""
    try:
        return zstandard.train_dictionary(_SIZE, list(masked(samples))).as_bytes()
    except zstandard.ZstdError:
        return None


def masked(samples: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the samples, with rare words (values, ids, names) replaced by noise.

    The noise replaces digits by digits and letters by letters, so that it keeps length and alphabet.
    """
    counts = Counter(word for sample in samples for word in set(_WORD.findall(sample)))
    least = max(2, len(samples) * _SHARED)
    noise = random.Random(len(samples))  # noqa: S311 - nothing secret depends on it

    def mask(found: re.Match[bytes]) -> bytes:
        word = found[0]
        if counts[word] >= least:
            return word
        if _SECONDS.fullmatch(word):
            return mask_of(word[:-1]) + b"Z"
        return mask_of(word)

    def mask_of(word: bytes) -> bytes:
        letters = _HEXADECIMAL if _HEX_WORD.fullmatch(word) else _LETTERS
        return bytes(
            noise.choice(letters if char > _NINE else _DIGITS if letters is _LETTERS else _HEXADECIMAL)
            if char >= _ZERO
            else char
            for char in word
        )

    for sample in samples:
        yield _WORD.sub(mask, sample)


def _is_worth_it(made: bytes, packer: bodies.Packer, samples: Sequence[bytes]) -> bool:
    new = bodies.Packer(bodies.BodyWriter(bodies.BUILT_IN, -1, zstandard.ZstdCompressionDict(made)))
    before, after = (sum(len(each.pack(sample)) for sample in samples) for each in (packer, new))
    return after <= before * _WORTH


def _due(tx: Tx) -> int | None:
    """Return the number of objects if the store is large enough for its next dictionary."""
    had: int = tx.execute(_COUNT).scalar_one()
    size: int = tx.execute(_OBJECTS).scalar_one()
    return size if had < _MOST and size >= _FIRST_AT * _GROWTH**had else None


def _samples(tx: Tx) -> Iterator[bytes]:
    """Yield the bodies to compress, the newest of each log, one per value."""
    store = bodies.of(tx)
    for (number,) in tx.execute(_LOGS).all():
        seen: set[int] = set()
        for value, body in tx.execute(_NEWEST, {"of_log": number, "rows": _MOST_SAMPLES}):
            if body[:1] == b"{" or value in seen:
                continue
            if value is not None:
                seen.add(value)
            sample = b"".join(store.all_of(tx, body))
            if len(sample) <= _LONGEST:
                yield sample


def _next_number(tx: Tx) -> int:
    had: int = tx.execute(_COUNT).scalar_one()
    timeline: int = tx.execute(_TIMELINE).scalar_one() if tx.info.get(HAS_TIMELINES) else 0
    return bodies.BUILT_IN + 1 + timeline % _TIMELINES * _MOST + had


_COUNT = select(func.count()).select_from(dictionaries)
_OBJECTS = select(func.coalesce(func.sum(collections.c.objects), 0)).where(collections.c.kind != "exchange")
_LOGS = (
    select(collections.c.log)
    .where(collections.c.kind != "exchange", collections.c.objects > 0)
    .distinct()
    .order_by(collections.c.log)
)
_NEWEST = (
    select(objects.c.value, objects.c.body)
    .where(objects.c.collection == bindparam("of_log", type_=Integer), text("latest > 0"))
    .order_by(objects.c.date_added.desc())
    .limit(bindparam("rows", type_=BigInteger))
)
_TIMELINE = select(literal_column(TIMELINE, Integer))
_ADD = text(
    "INSERT INTO dictionaries (number, made, bytes) VALUES (:number, :made, :bytes) ON CONFLICT DO NOTHING"
).bindparams(bindparam("made", type_=BigInteger))
