"""Stored reports to addressees outside the hub: one for each value, addressee and listing version."""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from schemas.takedown import TakedownResponse
from server.features.dispatch.tables import dispatches
from server.store import hub_identity
from server.store.database.engine import Tx

Role = Literal["registrar", "network"]
ROLES: tuple[Role, ...] = ("registrar", "network")
# lookup: RDAP is to be asked. ready: the addressee is known. mailed: it is in a mail. form: the addressee takes a web
# form only. unknown: there is no addressee. bad: mails to the addressee come back. same: the addressee gets it in the
# other role. ended: the listing ended before, or no mail may go. closed: an operator did what was to do. gone: the hub
# saw that the value is gone. responded: the addressee responded. corrected: the addressee was told that the listing
# ended.
State = Literal[
    "lookup", "ready", "mailed", "form", "unknown", "bad", "same", "ended", "closed", "gone", "responded", "corrected"
]
# A person has to act.
TASKS: tuple[State, ...] = ("form", "unknown", "bad")
# Registrars and networks neither disconnect numbers nor label content, and nothing is restored before a correction.
RESPONSES = tuple(
    str(word)
    for word in TakedownResponse
    if word not in (TakedownResponse.DISCONNECTED, TakedownResponse.LABELLED, TakedownResponse.RESTORED)
)
_USE = "dispatch"
_DIGEST = 32
_PAGE = 1_000
_d = dispatches.c


class Dispatch(NamedTuple):
    """A stored report, in the order of the table's columns. Moments are microseconds."""

    id: str
    subject: str
    listing: str
    version: int
    role: Role
    facts: str
    address: str | None
    organisation: str | None
    form: str | None
    country: str | None
    state: State
    made: int
    next: int
    attempts: int
    mail: str | None = None
    response: str | None = None
    their_reference: str | None = None
    responded: int | None = None

    @property
    def listed(self) -> Mapping[str, Any]:
        """Return what the mail says about the listing."""
        found: Mapping[str, Any] = json.loads(self.facts)
        return found

    @property
    def value(self) -> str:
        """Return the value, without its kind."""
        return self.subject.partition(":")[2]

    @property
    def reference(self) -> str:
        """Return the hub's reference, which mails and forms name."""
        return f"SF-{self.id[:12].upper()}"


def derived(tx: Tx, *parts: str) -> str:
    """Return the id that belongs to these parts; nobody else can compute it."""
    return hmac.digest(hub_identity.secret(tx, _USE), "\n".join(parts).encode(), "sha256").hex()[:_DIGEST]


def token(tx: Tx, id_: str) -> str:
    """Return the token of the link by which the addressee answers without a login."""
    return f"{id_}.{derived(tx, 'answer', id_)}"


def of_token(tx: Tx, given: str) -> "Dispatch | None":
    """Return the report of a token, None if the hub did not make it."""
    id_ = given.partition(".")[0]
    is_own = hmac.compare_digest(token(tx, id_).encode(), given.encode("utf-8", "replace"))
    return find(tx, id_) if is_own else None


def add(tx: Tx, row: Dispatch) -> bool:
    """Store a report, and return False if there is one for this listing and role that still counts."""
    same = select(_d.id).where(_d.listing == row.listing, _d.role == row.role)
    counts = (_d.state != "ended") | (_d.version == row.version)
    if tx.execute(same.where(counts).limit(1)).first() is not None:
        return False
    tx.execute(insert(dispatches).values(**row._asdict()))
    return True


def find(tx: Tx, id_: str) -> Dispatch | None:
    """Return a report by its id."""
    row = tx.execute(select(dispatches).where(_d.id == id_)).first()
    return None if row is None else Dispatch(*row)


def in_states(tx: Tx, states: Sequence[State], most: int, *, until: int | None = None) -> list[Dispatch]:
    """Return reports in these states, the oldest first; ``until``: those whose next look is due."""
    asked = select(dispatches).where(_d.state.in_(states)).order_by(_d.next, _d.id).limit(most)
    if until is not None:
        asked = asked.where(_d.next <= until)
    return [Dispatch(*row) for row in tx.execute(asked)]


def latest(tx: Tx, most: int) -> list[Dispatch]:
    """Return the newest reports."""
    return [Dispatch(*row) for row in tx.execute(select(dispatches).order_by(_d.made.desc(), _d.id).limit(most))]


def of_listing(tx: Tx, listing: str) -> list[Dispatch]:
    """Return the reports of a listing."""
    return [Dispatch(*row) for row in tx.execute(select(dispatches).where(_d.listing == listing).order_by(_d.id))]


def of_subjects(tx: Tx, subjects: Iterable[str]) -> list[Dispatch]:
    """Return the reports of values."""
    asked = select(dispatches).where(_d.subject.in_(sorted(set(subjects)))).order_by(_d.id)
    return [Dispatch(*row) for row in tx.execute(asked)]


def of_mail(tx: Tx, mail: str) -> list[Dispatch]:
    """Return the reports in a mail."""
    return [Dispatch(*row) for row in tx.execute(select(dispatches).where(_d.mail == mail).order_by(_d.made, _d.id))]


def ready(tx: Tx, address: str, most: int) -> list[Dispatch]:
    """Return the reports that wait for a mail to an addressee, the oldest first."""
    asked = select(dispatches).where(_d.address == address, _d.state == "ready").order_by(_d.made, _d.id).limit(most)
    return [Dispatch(*row) for row in tx.execute(asked)]


def waiting_addresses(tx: Tx, most: int) -> list[str]:
    """Return addressees for whom reports wait for a mail, the one that waits longest first."""
    asked = select(_d.address, func.min(_d.made)).where(_d.state == "ready").group_by(_d.address)
    return [row[0] for row in tx.execute(asked.order_by(func.min(_d.made), _d.address).limit(most))]


def change(tx: Tx, row: Dispatch, **to: Any) -> bool:
    """Change columns of a report, unless its state changed since it was read; return whether it was changed."""
    mine = update(dispatches).where(_d.id == row.id, _d.state == row.state)
    return bool(tx.execute(mine.values(**to)).rowcount)


def count(tx: Tx) -> dict[str, int]:
    """Return the number of reports by state."""
    return {row[0]: row[1] for row in tx.execute(select(_d.state, func.count()).group_by(_d.state))}


def forget(tx: Tx, *, before: int) -> int:
    """Remove some reports without a further step that were made ``before`` (microseconds); return their number."""
    over = select(_d.id).where(_d.state.not_in(("lookup", "ready", *TASKS)), _d.made < before).limit(_PAGE)
    return tx.execute(delete(dispatches).where(_d.id.in_(over))).rowcount


def mail_id(tx: Tx, purpose: str, rows: Iterable[Dispatch]) -> str:
    """Return the id of the mail with these reports: the same reports are always in the same mail."""
    ids = sha256("\n".join(sorted(row.id for row in rows)).encode()).hexdigest()
    return derived(tx, purpose, ids)
