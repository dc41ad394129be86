"""The state of this hub as an origin: its numbers, its signing key, and the content of its heads."""

from typing import NamedTuple

import msgspec
from sqlalchemy import insert, select, update

from schemas.hub_head import next_text
from schemas.hub_report import signature_text
from schemas.tlog.notes import ED25519, SignerKey, VerifierKey
from server.features.federation.tables import hub_publishing
from server.features.ledger.keys import LedgerKeys, LogKey
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.ledger import keys as known_keys
from server.store.tables import columns_of

_ROW = 1


class NotPublished(LookupError):
    """This hub has published no hub reports, so that it has no heads that could announce anything."""


class Handover(msgspec.Struct, frozen=True, omit_defaults=True):
    """The recovery key that heads publish, and the rotation that they announce."""

    recovery_key: str | None = None
    next_key: str | None = None
    next_by: str | None = None
    next_signature: str | None = None
    next_proof: str | None = None


class OwnState(NamedTuple):
    """This hub as an origin: the largest number that it gave, when it last signed all heads, and its public key.

    ``signed`` 0 means that it has to sign new heads with new numbers. ``ends`` is when the hub closes.
    """

    number: int
    signed: int
    key: str
    handover: str
    ends: int | None

    @property
    def origin(self) -> str:
        """Return the name of the key."""
        return VerifierKey.parse(self.key).name

    @property
    def announced(self) -> Handover:
        """Return what heads announce."""
        return msgspec.json.decode(self.handover or "{}", type=Handover)


def find(tx: Tx) -> OwnState | None:
    """Return the state, None before the hub first published."""
    row = tx.execute(_ASKED).first()
    return None if row is None else OwnState._make(row)


def lock(tx: Tx, keys: LedgerKeys) -> OwnState:
    """Lock the state for publishing until the transaction ends; begin it with the newest key."""
    row = tx.execute(_ASKED.with_for_update()).first()
    if row is not None:
        return OwnState._make(row)
    return _begin(tx, keys.log[0].verifier)


def _begin(tx: Tx, key: VerifierKey) -> OwnState:
    made = OwnState(0, 0, str(key), "", None)
    tx.execute(insert(hub_publishing).values(id=_ROW, **made._asdict()))
    return made


def save(tx: Tx, state: OwnState) -> None:
    """Store the state."""
    tx.execute(update(hub_publishing).values(**state._asdict()))


def sign_anew(tx: Tx) -> None:
    """Let the hub sign new heads with new numbers: it was restored from a backup, or announces something."""
    tx.execute(update(hub_publishing).values(signed=0))


def key_due(tx: Tx, state: OwnState) -> str:
    """Return the public key that is to sign now.

    After a rotation this is the old key for the first half of the overlap, so that peers learn the new one; then the
    new key signs everything again. An old key without overlap signs nothing.
    """
    known = {key.key: key for key in known_keys.known(tx) if VerifierKey.parse(key.key).kind == ED25519}
    newest = next(iter(known.values()), None)
    if newest is None or newest.key == state.key:
        return state.key
    until = known[state.key].until if state.key in known else None
    return state.key if until is not None and now() < newest.since + (until - newest.since) // 2 else newest.key


def signing_key(tx: Tx, keys: LedgerKeys, state: OwnState) -> LogKey:
    """Return the key that signs now, among those of the key file."""
    due = key_due(tx, state)
    return next((key for key in keys.log if str(key.verifier) == due), keys.log[0])


def announce_rotation(tx: Tx, before: LedgerKeys, new: LogKey, recovery: SignerKey | None) -> None:
    """Announce in the next heads that a new key follows, signed by the one before and the recovery key.

    Without the recovery key, the operators of the peers have to confirm it. Raises ``BadSigningKey``.
    """
    state = find(tx)
    if state is None:
        return
    old = next((key for key in before.log if str(key.verifier) == state.key), before.log[0])
    text = next_text(old.verifier, new.verifier)
    handover = Handover(
        recovery_key=str(recovery.verifier) if recovery is not None else state.announced.recovery_key,
        next_key=str(new.verifier),
        next_by=str(old.verifier),
        next_signature=signature_text(old, text),
        next_proof=signature_text(recovery, text) if recovery is not None else None,
    )
    _announce(tx, state, handover)


def announce_recovery_key(tx: Tx, key: VerifierKey, signing: VerifierKey) -> None:
    """Publish the recovery key in the next heads; ``signing`` is the key of the logs."""
    state = find(tx) or _begin(tx, signing)
    _announce(tx, state, msgspec.structs.replace(state.announced, recovery_key=str(key)))


def announce_end(tx: Tx, ends: int | None) -> None:
    """Announce in the next heads when the hub closes (microseconds), or that it goes on. Raises ``NotPublished``."""
    _published(tx)
    tx.execute(update(hub_publishing).values(ends=ends, signed=0))


def _published(tx: Tx) -> OwnState:
    state = find(tx)
    if state is None:
        raise NotPublished("this hub has published no hub reports yet: its server does so after the first [[peer]]")
    return state


def _announce(tx: Tx, state: OwnState, handover: Handover) -> None:
    save(tx, state._replace(handover=msgspec.json.encode(handover).decode(), signed=0))


_ASKED = select(*columns_of(OwnState, hub_publishing))
