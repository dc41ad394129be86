"""Proposals as they are stored: proposed by one person, open until somebody decides, or until they expire."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import delete, func, insert, literal, select, tuple_, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.tables import proposals

# void: what it was proposed about is no longer as it was.
ProposalState = Literal["open", "confirmed", "rejected", "withdrawn", "void", "expired"]

_PAGE = 1_000
_p = proposals.c


class UnknownProposal(LookupError):
    """There is no proposal of that id."""


class Effect(NamedTuple):
    """One line of what an action does: the code of its sentence, and what stands in it, by name.

    Whoever reads it does so in a language of its own. A line that has no code is its own text.
    """

    code: str
    values: Mapping[str, Any] = MappingProxyType({})

    def written(self) -> list[Any]:
        """Return it as it is stored."""
        return [self.code, dict(self.values)]


class Proposal(NamedTuple):
    """A person's proposal: an action with its arguments, and its ``effects``, line by line, as others read them.

    ``basis`` is a digest of all that the effects follow from. Moments are microseconds.
    """

    id: str
    action: str
    arguments: Mapping[str, Any]
    effects: Sequence[Effect]
    basis: bytes
    note: str | None
    proposed_by: str
    proposed: int
    expires: int
    state: ProposalState
    decided_by: str | None = None
    decided: int | None = None


def add(
    tx: Tx,
    action: str,
    arguments: Mapping[str, Any],
    effects: Sequence[Effect],
    basis: bytes,
    by: str,
    *,
    lasts: int,
    note: str | None = None,
) -> Proposal:
    """Add an open proposal that ``lasts`` so many microseconds; an earlier open one of the same is void from now on."""
    moment, written = now(), _written(arguments)
    for earlier in tx.scalars(select(_p.id).where(_p.action == action, _p.arguments == written, _p.state == "open")):
        decide(tx, earlier, "void", by)
    new = Proposal(secrets.token_hex(8), action, arguments, effects, basis, note, by, moment, moment + lasts, "open")
    row = {**new._asdict(), "arguments": written, "effects": _lines(effects)}
    tx.execute(insert(proposals), [row])
    return new


def find(tx: Tx, id_: str) -> Proposal:
    """Return a proposal; in a write transaction it is locked until the end. Raises ``UnknownProposal``."""
    row = tx.execute(select(proposals).where(_p.id == id_).with_for_update()).first()
    if row is None:
        raise UnknownProposal(f"there is no proposal {id_}")
    return _proposal(row)


def all_proposals(tx: Tx, *, only_open: bool = True, limit: int = 1_000) -> list[Proposal]:
    """Return proposals, the oldest first; open ones that have expired count as expired."""
    asked = select(proposals).order_by(_p.proposed, _p.id).limit(limit)
    if only_open:
        asked = asked.where(_p.state == "open", _p.expires > now())
    return [_proposal(row) for row in tx.execute(asked)]


def open_page(
    tx: Tx,
    *,
    most: int,
    after: tuple[int, str] | None = None,
    by: Collection[str] | None = None,
    not_by: Collection[str] = (),
    without: Collection[str] = (),
) -> list[Proposal]:
    """Return open proposals, the oldest first, from ``after`` on: the moment and the id of the one before.

    ``by``: of these persons alone; ``not_by``: of all others; ``without``: not of these actions.
    """
    asked = select(proposals).where(_p.state == "open", _p.expires > now())
    if after is not None:
        asked = asked.where(tuple_(_p.proposed, _p.id) > tuple_(*map(literal, after)))
    if by is not None:
        asked = asked.where(_p.proposed_by.in_(by))
    asked = asked.where(_p.proposed_by.not_in(not_by), _p.action.not_in(without))
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed, _p.id).limit(most))]


def ended_page(tx: Tx, *, most: int, after: tuple[int, str] | None = None) -> list[Proposal]:
    """Return proposals that were decided or have expired, the latest first, from ``after`` on."""
    asked = select(proposals).where((_p.state != "open") | (_p.expires <= now()))
    if after is not None:
        asked = asked.where(tuple_(_p.proposed, _p.id) < tuple_(*map(literal, after)))
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed.desc(), _p.id.desc()).limit(most))]


def count_open(tx: Tx, by: str | None = None) -> int:
    """Count the open proposals of a person, or of all."""
    asked = select(func.count()).select_from(proposals).where(_p.state == "open", _p.expires > now())
    return tx.execute(asked if by is None else asked.where(_p.proposed_by == by)).scalar_one()


def decide(tx: Tx, id_: str, state: ProposalState, by: str) -> None:
    """Store what became of a proposal, and who made it so."""
    tx.execute(update(proposals).where(_p.id == id_).values(state=state, decided_by=by, decided=now()))


def empty(tx: Tx, id_: str, effects: Sequence[Effect] = ()) -> None:
    """Remove a proposal's arguments, and its note, and put other words in the place of its effects."""
    values = {"arguments": _written({}), "effects": _lines(effects), "note": None}
    tx.execute(update(proposals).where(_p.id == id_).values(values))


def forget(tx: Tx, *, before: int) -> int:
    """Remove proposals that ended ``before`` (microseconds), some hundred at most; return their number."""
    over = select(_p.id).where(_p.expires < before, (_p.decided.is_(None)) | (_p.decided < before)).limit(_PAGE)
    return tx.execute(delete(proposals).where(_p.id.in_(over))).rowcount


def _proposal(row: Any) -> Proposal:
    found = Proposal(*row)._replace(arguments=orjson.loads(row.arguments), effects=_effects(row.effects))
    if found.state == "open" and found.expires <= now():
        return found._replace(state="expired", decided=found.expires)
    return found


def _lines(effects: Sequence[Effect]) -> bytes:
    return orjson.dumps([effect.written() for effect in effects])


def _effects(written: bytes) -> list[Effect]:
    """Return the lines as they were stored; those of earlier versions of the program have no codes."""
    return [Effect(line) if isinstance(line, str) else Effect(*line) for line in orjson.loads(written)]


def _written(arguments: Mapping[str, Any]) -> bytes:
    return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
