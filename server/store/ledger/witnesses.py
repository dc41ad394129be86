"""Witnesses: who may cosign this hub's checkpoints, and the logs of other hubs that this hub cosigns."""

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.ledger import trees
from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.errors import BadProof
from schemas.ledger.notes import VerifierKey
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.ledger.tables import (
    ledger_other_hubs,
    ledger_other_logs,
    ledger_trees,
    ledger_witness_sizes,
    ledger_witnesses,
)

_SECOND = 1_000_000


class WitnessExists(ValueError):
    """The name or the key is registered already."""


class UnknownWitness(LookupError):
    """There is no witness, and no other hub, of that name."""


class OutOfDate(Exception):
    """The log is at another size here than the sender thinks; ``size`` is that."""

    def __init__(self, size: int) -> None:
        """Name the size of the last checkpoint that was cosigned."""
        super().__init__(f"the log is at size {size} here")
        self.size = size


class Witness(NamedTuple):
    """Somebody who may cosign: a name, a public key, and where it is asked to; None: it comes by itself."""

    name: str
    key: VerifierKey
    url: str | None


class OtherHub(NamedTuple):
    """A hub that this one is a witness for: a name, and the public key of its logs."""

    name: str
    key: VerifierKey


class Unwitnessed(NamedTuple):
    """A log whose newest checkpoint a witness has not cosigned, and the size that it has."""

    collection: int
    cosigned: int


def add(tx: Tx, witness: Witness) -> None:
    """Register a witness. Raises ``WitnessExists``."""
    row = {"name": witness.name, "key": str(witness.key), "url": witness.url, "added": now()}
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_witnesses).values(**row))
    except IntegrityError:
        raise WitnessExists("a witness of this name, or with this key, is registered") from None


def remove(tx: Tx, name: str) -> None:
    """Let a witness cosign no more; what it cosigned stays. Raises ``UnknownWitness``."""
    tx.execute(delete(ledger_witness_sizes).where(ledger_witness_sizes.c.witness == name))
    if not tx.execute(delete(ledger_witnesses).where(ledger_witnesses.c.name == name)).rowcount:
        raise UnknownWitness(f"there is no witness {name!r}")


def all_witnesses(tx: Tx) -> list[Witness]:
    """Return the witnesses, by name."""
    columns = ledger_witnesses.c
    asked = select(columns.name, columns.key, columns.url).order_by(columns.name)
    return [Witness(name, VerifierKey.parse(key), url) for name, key, url in tx.execute(asked)]


def note_cosigned(tx: Tx, name: str, collection: int, size: int, at: int | None = None) -> None:
    """Note that a witness has cosigned the tree of a collection at a size, ``at`` so many seconds by its own clock.

    Whoever sends an old cosignature again makes no witness look alive.
    """
    moment = now() if at is None else min(now(), at * _SECOND)
    sizes = ledger_witness_sizes.c
    mine = (sizes.witness == name, sizes.collection == collection)
    had = tx.execute(select(sizes.size, sizes.at).where(*mine)).first()
    if had is None:
        row = {"collection": collection, "witness": name, "size": size, "at": moment}
        tx.execute(insert(ledger_witness_sizes).values(**row))
    elif size >= had.size:
        tx.execute(update(ledger_witness_sizes).where(*mine).values(size=size, at=max(moment, had.at)))


def behind(tx: Tx, name: str, most: int) -> list[Unwitnessed]:
    """Return the logs that a witness is to be asked about, those first that wait longest."""
    sizes, own = ledger_witness_sizes.c, ledger_trees.c
    mine = (sizes.collection == own.collection) & (sizes.witness == name)
    size = func.coalesce(sizes.size, 0)
    asked = (
        select(own.collection, size)
        .join_from(ledger_trees, ledger_witness_sizes, mine, isouter=True)
        .where(own.noted > size)
        .order_by(func.coalesce(sizes.at, 0), own.collection)
        .limit(most)
    )
    return [Unwitnessed(*row) for row in tx.execute(asked)]


def last_cosigned(tx: Tx) -> dict[str, int]:
    """Return by the name of each witness when it cosigned last (microseconds)."""
    sizes = ledger_witness_sizes.c
    return {row[0]: row[1] for row in tx.execute(select(sizes.witness, func.max(sizes.at)).group_by(sizes.witness))}


def trust(tx: Tx, hub: OtherHub) -> None:
    """Be a witness for the logs of another hub.

    Raises ``WitnessExists``, also for a key of the same name as another's: the logs of the two could not be told apart.
    """
    for known in other_hubs(tx):
        if known.key.name == hub.key.name and known.name != hub.name:
            raise WitnessExists(
                f"the key of {known.name!r} has the same name: remove that hub first (witness distrust)"
            )
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_other_hubs).values(name=hub.name, key=str(hub.key), added=now()))
    except IntegrityError:
        raise WitnessExists("a hub of this name, or with this key, is registered") from None


def distrust(tx: Tx, name: str) -> None:
    """Be a witness for another hub no more, and forget its logs. Raises ``UnknownWitness``."""
    tx.execute(delete(ledger_other_logs).where(ledger_other_logs.c.hub == name))
    if not tx.execute(delete(ledger_other_hubs).where(ledger_other_hubs.c.name == name)).rowcount:
        raise UnknownWitness(f"this hub is no witness for {name!r}")


def other_hubs(tx: Tx) -> list[OtherHub]:
    """Return the hubs that this one is a witness for, by name."""
    columns = ledger_other_hubs.c
    asked = select(columns.name, columns.key).order_by(columns.name)
    return [OtherHub(name, VerifierKey.parse(key)) for name, key in tx.execute(asked)]


def hub_of(tx: Tx, origin: str) -> OtherHub | None:
    """Return the hub that a log is of, by the log's name; of two whose names begin it, the one with the longer name."""
    found = [hub for hub in other_hubs(tx) if origin == hub.key.name or origin.startswith(f"{hub.key.name}/")]
    return max(found, key=lambda hub: len(hub.key.name), default=None)


def follow(tx: Tx, hub: str, checkpoint: Checkpoint, old: int, proof: tuple[bytes, ...]) -> None:
    """Record a checkpoint of another hub's log, if it follows from the last one that was recorded.

    Of two that come at once, one is recorded first. Raises ``OutOfDate`` and ``BadProof``.
    """
    logs = ledger_other_logs.c
    mine = logs.origin == checkpoint.origin
    row = tx.execute(select(logs.size, logs.root).where(mine).with_for_update()).first()
    size, root = (0, b"") if row is None else (int(row[0]), bytes(row[1]))
    if old != size:
        raise OutOfDate(size)
    if old == checkpoint.size and old and root != checkpoint.root:
        # Two truths of one size.
        raise OutOfDate(size)
    if old == 0 and proof:
        raise BadProof("from the tree without leaves nothing follows: the proof has to be empty")
    if old:
        trees.check_consistency(old, checkpoint.size, root, checkpoint.root, proof)
    moment = now()
    values = {"size": checkpoint.size, "root": checkpoint.root, "cosigned": moment}
    if row is not None:
        tx.execute(update(ledger_other_logs).where(mine).values(hub=hub, **values))
        return
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_other_logs).values(origin=checkpoint.origin, hub=hub, **values))
    except IntegrityError:
        raise OutOfDate(checkpoint.size) from None
