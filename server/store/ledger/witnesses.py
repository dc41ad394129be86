"""Witnesses: the ones that may cosign this hub's checkpoints, and the logs of other hubs that this hub cosigns."""

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.tlog import BadProof, trees
from schemas.tlog.notes import VerifierKey
from schemas.tlog.proofs import Checkpoint
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
    """The name or the key is already registered."""


class UnknownWitness(LookupError):
    """There is no witness, and no other hub, with that name."""


class OutOfDate(Exception):
    """The stored size of the log differs from the sender's; ``size`` is the stored one."""

    def __init__(self, size: int) -> None:
        """Carry the size of the last cosigned checkpoint."""
        super().__init__(f"this hub has the log at size {size}")
        self.size = size


class Witness(NamedTuple):
    """A witness: a name, a public key, and its address. None: it fetches checkpoints itself."""

    name: str
    key: VerifierKey
    url: str | None


class OtherHub(NamedTuple):
    """A hub for which this one is a witness: a name, and the public key of its logs."""

    name: str
    key: VerifierKey


class Unwitnessed(NamedTuple):
    """A log whose newest checkpoint a witness has not cosigned, and the cosigned size."""

    collection: int
    cosigned: int


def add(tx: Tx, witness: Witness) -> None:
    """Register a witness. Raises ``WitnessExists``."""
    row = {"name": witness.name, "key": str(witness.key), "url": witness.url, "added": now()}
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_witnesses).values(**row))
    except IntegrityError:
        raise WitnessExists("a witness with this name or key is already registered") from None


def remove(tx: Tx, name: str) -> None:
    """Remove a witness. Its cosignatures stay. Raises ``UnknownWitness``."""
    tx.execute(delete(ledger_witness_sizes).where(ledger_witness_sizes.c.witness == name))
    if not tx.execute(delete(ledger_witnesses).where(ledger_witnesses.c.name == name)).rowcount:
        raise UnknownWitness(f"there is no witness {name!r}")


def all_witnesses(tx: Tx) -> list[Witness]:
    """Return the witnesses, by name."""
    columns = ledger_witnesses.c
    asked = select(columns.name, columns.key, columns.url).order_by(columns.name)
    return [Witness(name, VerifierKey.parse(key), url) for name, key, url in tx.execute(asked)]


def note_cosigned(tx: Tx, name: str, collection: int, size: int, at: int | None = None) -> None:
    """Record that a witness cosigned a collection's tree at a size; ``at`` is its own clock in seconds.

    A repeated old cosignature does not count as activity of the witness.
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
    """Return the logs that a witness should be asked about, the longest-waiting first."""
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
    """Return by name when each witness last cosigned (microseconds)."""
    sizes = ledger_witness_sizes.c
    return {row[0]: row[1] for row in tx.execute(select(sizes.witness, func.max(sizes.at)).group_by(sizes.witness))}


def trust(tx: Tx, hub: OtherHub) -> None:
    """Be a witness for the logs of another hub.

    Raises ``WitnessExists``, also if another hub's key has the same name, because the two hubs' logs could not be
    distinguished.
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
        raise WitnessExists("a hub with this name or key is already registered") from None


def distrust(tx: Tx, name: str) -> None:
    """Stop being a witness for another hub, and forget its logs. Raises ``UnknownWitness``."""
    tx.execute(delete(ledger_other_logs).where(ledger_other_logs.c.hub == name))
    if not tx.execute(delete(ledger_other_hubs).where(ledger_other_hubs.c.name == name)).rowcount:
        raise UnknownWitness(f"this hub is not a witness for {name!r}")


def other_hubs(tx: Tx) -> list[OtherHub]:
    """Return the hubs for which this one is a witness, by name."""
    columns = ledger_other_hubs.c
    asked = select(columns.name, columns.key).order_by(columns.name)
    return [OtherHub(name, VerifierKey.parse(key)) for name, key in tx.execute(asked)]


def hub_of(tx: Tx, origin: str) -> OtherHub | None:
    """Return the hub of a log by the log's name. If two hub names are prefixes of it, the longer one wins."""
    found = [hub for hub in other_hubs(tx) if origin == hub.key.name or origin.startswith(f"{hub.key.name}/")]
    return max(found, key=lambda hub: len(hub.key.name), default=None)


def follow(tx: Tx, hub: str, checkpoint: Checkpoint, old: int, proof: tuple[bytes, ...]) -> None:
    """Record a checkpoint of another hub's log if it follows from the last recorded one.

    Concurrent calls are recorded one after the other. Raises ``OutOfDate`` and ``BadProof``.
    """
    logs = ledger_other_logs.c
    mine = logs.origin == checkpoint.origin
    row = tx.execute(select(logs.size, logs.root).where(mine).with_for_update()).first()
    size, root = (0, b"") if row is None else (int(row[0]), bytes(row[1]))
    if old != size:
        raise OutOfDate(size)
    if old == checkpoint.size and old and root != checkpoint.root:
        # Two different trees of the same size.
        raise OutOfDate(size)
    if old == 0 and proof:
        raise BadProof("a proof from the empty tree must be empty")
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
