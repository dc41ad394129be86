"""Sealing: adds new log rows to their trees, in the order of ``date_added``.

It runs after the commits, so that contributions and releases do not wait for it. The rows of a transaction become
visible together, and later rows have a later ``date_added``. So nothing can be inserted before a sealed row.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from schemas.tlog.entries import EntryKind, canonical_or_raw
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.trees import EMPTY_ROOT
from server.store.database.engine import Store, Tx
from server.store.item import LATER, OBSERVABLE, OF_VARIANT, RELATIONSHIP
from server.store.ledger import growth, heads, statements
from server.store.ledger.growth import Growth, Leaf, Tree
from server.store.ledger.statements import HubStatement
from server.store.ledger.tables import ledger_trees
from server.store.objects import bodies
from server.store.tables import collections, objects

# Rows of logs that one step seals. Each row becomes one to four entries.
ROWS = 2_000
# More than the rows of one moment.
_FEWEST = 10
_PUBLISHED, _RAW = EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW
# By bit of a variant: the position of its object in a row, and its offset in ``date_added``.
_PLACE = {OBSERVABLE: 1, RELATIONSHIP: 2}
_THINGS = {variant: [(_PLACE.get(part, 0), LATER[part]) for part in parts] for variant, parts in OF_VARIANT.items()}

Sign = Callable[[Checkpoint], bytes]
"""Return a checkpoint as a signed note."""


class Sealed(NamedTuple):
    """The result of a step: the number of added entries, and whether there is ``more``; ``lost`` to another process.

    A step that was not full has sealed all rows that were visible when it began, so it leaves no more.
    """

    entries: int
    more: bool
    lost: bool = False


class _Variant(NamedTuple):
    """A collection with new rows: its number, its log, the bit of its variant, its last ``date_added``."""

    number: int
    log: int
    part: int
    last_added: int


class _Grown(NamedTuple):
    """Extended trees, the ``date_added`` that they are sealed up to, the number of log rows they cover, and whether
    they cover all.
    """

    trees: list[Growth]
    sealed: int
    rows: int
    is_whole: bool


class _Lost(Exception):
    """Another process has changed a tree in the meantime. The step is not stored."""


def step(store: Store, prefix: str, sign: Sign, most: int = ROWS) -> Sealed:
    """Seal at most about ``most`` rows of all logs, and sign the changed trees.

    ``prefix`` begins the names of new logs. If another process seals at the same time, only one of them adds the
    entries.
    """
    with store.read() as tx:
        waiting = _waiting(tx)
        known = growth.load(tx, [variant.number for variant in waiting])
        unsigned = heads.unsigned(tx)
        stating = statements.due(tx)
    if unnamed := [variant.number for variant in waiting if variant.number not in known]:
        with store.begin(in_passing=True) as tx:
            for number in unnamed:
                _make(tx, number, prefix)
        return Sealed(0, more=True)
    if waiting:
        sealed = _seal(store, sign, most)
        return sealed._replace(more=sealed.more or bool(stating or unsigned))
    if stating:
        return _state(store, stating)
    if unsigned:
        _sign(store, unsigned, sign)
    return Sealed(0, more=False)


def _seal(store: Store, sign: Sign, most: int) -> Sealed:
    """Extend the trees in a snapshot, and write them in one transaction that fails if one has changed."""
    with store.read() as tx:
        grown, is_whole = _grow_all(tx, most)
        changed = [(tree, found.sealed) for found in grown for tree in found.trees]
        notes = [sign(tree.checkpoint) for tree, _ in changed]
    try:
        with store.begin(in_passing=True) as tx:
            for (tree, sealed), note in zip(changed, notes, strict=True):
                if not tree.write(tx, sealed):
                    raise _Lost
                heads.keep(tx, tree.collection, tree.size, note)
    except _Lost:
        return Sealed(0, more=True, lost=True)
    return Sealed(sum(tree.added for tree, _ in changed), more=not is_whole)


def has_news(tx: Tx) -> bool:
    """Return whether there is anything to seal or sign."""
    waiting = (tx.execute(_ANY_WAITING).first(), tx.execute(heads.ANY_UNSIGNED).first())
    return any(row is not None for row in waiting) or bool(statements.due(tx))


def waits(tx: Tx, rows: int) -> bool:
    """Return whether at least about ``rows`` rows of logs wait to be sealed."""
    waiting = _waiting(tx)
    trees = growth.load(tx, [variant.number for variant in waiting])
    found = 0
    for log in {variant.log for variant in waiting}:
        sealed = [trees[variant.number].sealed for variant in waiting if variant.log == log and variant.number in trees]
        given = {"in_log": log, "after": min(sealed, default=0), "rows": rows - found}
        found += len(tx.execute(_PLACES, given).all())
        if found >= rows:
            return True
    return False


def oldest_waiting(tx: Tx) -> int | None:
    """Return the ``date_added`` of the oldest unsealed row, or None, also for a store that never sealed."""
    waiting = _waiting(tx)
    trees = growth.load(tx, [variant.number for variant in waiting])
    found = [
        row[0]
        for variant in waiting
        if variant.number in trees
        for row in tx.execute(_PLACES, {"in_log": variant.log, "after": trees[variant.number].sealed, "rows": 1}).all()
    ]
    return min(found, default=None)


def seal_log(tx: Tx, log: int) -> dict[int, Tree]:
    """Seal a whole log in the current transaction, and return its locked trees.

    Nothing is signed. A log that was never sealed has no trees.
    """
    numbers = [row[0] for row in tx.execute(_OF_LOG, {"of_log": log})]
    trees = growth.lock(tx, numbers)
    while trees:
        waiting = [_Variant(*row) for row in tx.execute(_WAITING_IN, {"of_log": log})]
        behind = [variant for variant in waiting if variant.number in trees]
        if not behind:
            break
        found = _grow(tx, behind, trees, ROWS)
        for tree in found.trees:
            tree.write(tx, found.sealed)
        trees = growth.lock(tx, numbers)
    return trees


def _state(store: Store, stating: Sequence[HubStatement]) -> Sealed:
    """Add statements to fully sealed trees. They are signed in the next step."""
    with store.begin(in_passing=True) as tx:
        trees = growth.lock(tx, {statement.collection for statement in stating})
        grown = {number: Growth(tx, tree) for number, tree in trees.items()}
        for statement in statements.due(tx):
            if statement.collection in grown:
                statements.add(tx, grown[statement.collection], statement)
        for number, tree in grown.items():
            tree.write(tx, trees[number].sealed)
    return Sealed(sum(tree.added for tree in grown.values()), more=True)


def _sign(store: Store, unsigned: Sequence[Tree], sign: Sign) -> None:
    """Sign trees that got only removals."""
    notes = [sign(Checkpoint(tree.origin, tree.size, tree.root)) for tree in unsigned]
    with store.begin(in_passing=True) as tx:
        for tree, note in zip(unsigned, notes, strict=True):
            heads.keep(tx, tree.collection, tree.size, note)


def _waiting(tx: Tx) -> list[_Variant]:
    """Return the collections with unsealed rows, except the inbox, which has no readers."""
    return [_Variant(*row) for row in tx.execute(_WAITING)]


def _make(tx: Tx, number: int, prefix: str) -> None:
    """Make the tree of a collection, unless another process does. Its name reveals nothing about the collection."""
    origin = f"{prefix}/{secrets.token_hex(8)}"
    made = Tree(number, origin, 0, EMPTY_ROOT, 0, 0, -1, 0, b"")
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_trees).values(**made._asdict()))
    except IntegrityError:
        return


def _grow_all(tx: Tx, most: int) -> tuple[list[_Grown], bool]:
    """Extend the trees of all logs with new rows, by about ``most`` rows, and return whether that was all."""
    by_log: dict[int, list[_Variant]] = {}
    for variant in _waiting(tx):
        by_log.setdefault(variant.log, []).append(variant)
    trees = growth.load(tx, [variant.number for variants in by_log.values() for variant in variants])
    grown: list[_Grown] = []
    is_whole = True
    for variants in by_log.values():
        have = [variant for variant in variants if variant.number in trees]
        if most <= 0 or len(have) < len(variants):
            is_whole = False
        if have and most > 0:
            grown.append(_grow(tx, have, trees, max(most, _FEWEST)))
            is_whole &= grown[-1].is_whole
            # Reading a log takes time even if it has few rows.
            most -= grown[-1].rows + 10
    return grown, is_whole


def _grow(tx: Tx, variants: Sequence[_Variant], trees: Mapping[int, Tree], most: int) -> _Grown:
    """Extend the trees of the variants of one log by its next rows."""
    after = min(trees[variant.number].sealed for variant in variants)
    given = {"in_log": variants[0].log, "after": after, "rows": most}
    rows: Sequence[Any] = tx.execute(_ROWS, given).all()
    sealed = max(variant.last_added for variant in variants)
    is_whole = len(rows) < most
    if not is_whole:
        # At most two rows share a date_added, and they stay together.
        rows = [row for row in rows if row[0] < rows[-1][0]] or rows
        sealed = rows[-1][0]
    grown: list[Growth] = []
    leaves = _leaves(tx, rows, variants, trees)
    for variant in variants:
        tree = Growth(tx, trees[variant.number])
        tree.add(leaves[variant.number])
        grown.append(tree)
    return _Grown(grown, sealed, len(rows), is_whole)


def _leaves(
    tx: Tx, rows: Sequence[Any], variants: Sequence[_Variant], trees: Mapping[int, Tree]
) -> dict[int, list[Leaf]]:
    """Return by variant number the objects of the rows that its tree does not yet have."""
    leaves: dict[int, list[Leaf]] = {variant.number: [] for variant in variants}
    wanted = [
        (variant.part, trees[variant.number].sealed, _THINGS[variant.part], leaves[variant.number].append)
        for variant in variants
    ]
    unpack = bodies.of(tx).all_of
    for date_added, bits, along, packed in rows:
        contents = [canonical_or_raw(body) for body in unpack(tx, packed)]
        for part, sealed, things, append in wanted:
            if bits & part and date_added > sealed:
                for place, later in things if along is not None else things[:1]:
                    content, is_canonical = contents[place]
                    append((_PUBLISHED if is_canonical else _RAW, date_added + later, content))
    return leaves


_c, _o, _t = collections.c, objects.c, ledger_trees.c
_OF_LOG = select(_c.number).where(_c.log == bindparam("of_log", type_=Integer))
_WAITING = (
    select(_c.number, _c.log, _c.part, _c.last_added)
    .join_from(collections, ledger_trees, _t.collection == _c.number, isouter=True)
    .where(_c.kind != "inbox", _c.last_added > func.coalesce(_t.sealed, 0))
    .order_by(_c.number)
)
_ANY_WAITING = _WAITING.limit(1)
# One of these finds a row if ``has_news`` is true. A set for private matching may have been stated already.
NEWS = (_ANY_WAITING, heads.ANY_UNSIGNED, statements.ANY_SET)
_WAITING_IN = _WAITING.where(_c.log == bindparam("of_log", type_=Integer))
_PLACES = (
    select(_o.date_added)
    .where(_o.collection == bindparam("in_log", type_=Integer))
    .where(_o.date_added > bindparam("after", type_=BigInteger))
    .order_by(_o.date_added)
    .limit(bindparam("rows", type_=BigInteger))
)
_ROWS = (
    select(_o.date_added, _o.parts, _o.observable_high, _o.body)
    .where(_o.collection == bindparam("in_log", type_=Integer))
    .where(_o.date_added > bindparam("after", type_=BigInteger))
    .order_by(_o.date_added, _o.parts)
    .limit(bindparam("rows", type_=BigInteger))
)
