"""Stored proposals: made by one person, and open until they are decided or expire."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import delete, func, insert, literal, select, tuple_, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals import frozen
from server.store.proposals.tables import proposals

# void: the proposal's basis has changed.
ProposalState = Literal["open", "confirmed", "rejected", "withdrawn", "void", "expired"]

_PAGE = 1_000
_p = proposals.c


class UnknownProposal(LookupError):
    """There is no proposal with that id."""


class Effect(NamedTuple):
    """One line of an action's effects: the code of its sentence, and the inserted values by name.

    Each reader sees it in their own language. A line without a code is its own text.
    """

    code: str
    values: Mapping[str, Any] = MappingProxyType({})

    def written(self) -> list[Any]:
        """Return it in the stored form."""
        return [self.code, dict(self.values)]


class Proposal(NamedTuple):
    """A person's proposal: an action with its arguments, and its ``effects``, line by line, for other readers.

    ``basis`` is a digest of all data that determine the effects. ``proposer`` describes the person, None if no user
    proposed it. ``witnesses`` are the organisations that had reported the value, None if that is irrelevant. Moments
    are microseconds.
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
    proposer: Mapping[str, Any] | None = None
    witnesses: Sequence[str] | None = None


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
    proposer: Mapping[str, Any] | None = None,
    witnesses: Sequence[str] | None = None,
) -> Proposal:
    """Add an open proposal that ``lasts`` this many microseconds. An equal earlier open one becomes void."""
    moment, written = now(), _written(arguments)
    for earlier in tx.scalars(select(_p.id).where(_p.action == action, _p.arguments == written, _p.state == "open")):
        decide(tx, earlier, "void", by)
    new = Proposal(
        secrets.token_hex(8),
        action,
        arguments,
        effects,
        basis,
        note,
        by,
        moment,
        moment + lasts,
        "open",
        proposer=proposer,
        witnesses=witnesses,
    )
    more = {name: _json(getattr(new, name)) for name in ("proposer", "witnesses")}
    row = {**new._asdict(), "arguments": written, "effects": _lines(effects), **more}
    tx.execute(insert(proposals), [row])
    return new


def find(tx: Tx, id_: str) -> Proposal:
    """Return a proposal. In a write transaction it is locked until the end. Raises ``UnknownProposal``."""
    row = tx.execute(select(proposals).where(_p.id == id_).with_for_update()).first()
    if row is None:
        raise UnknownProposal(f"there is no proposal {id_}")
    return _proposal(row)


def all_proposals(tx: Tx, *, only_open: bool = True, limit: int = 1_000) -> list[Proposal]:
    """Return proposals, the oldest first. Expired open ones count as expired."""
    asked = select(proposals).order_by(_p.proposed, _p.id).limit(limit)
    if only_open:
        asked = asked.where(_p.state == "open", _p.expires > now())
    return [_proposal(row) for row in tx.execute(asked)]


def find_open(tx: Tx, action: str, arguments: Iterable[Mapping[str, Any]]) -> list[Proposal]:
    """Return the open proposals of an action with any of these arguments, the oldest first."""
    asked = select(proposals).where(_p.state == "open", _p.expires > now(), _p.action == action)
    asked = asked.where(_p.arguments.in_([_written(given) for given in arguments]))
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed, _p.id))]


def open_page(
    tx: Tx,
    *,
    most: int,
    after: tuple[int, str] | None = None,
    by: Collection[str] | None = None,
    not_by: Collection[str] = (),
    without: Collection[str] = (),
) -> list[Proposal]:
    """Return open proposals, the oldest first; ``after`` is the moment and the id of the previous one.

    ``by`` selects persons, ``not_by`` excludes persons, ``without`` excludes actions.
    """
    asked = select(proposals).where(_p.state == "open", _p.expires > now())
    if after is not None:
        asked = asked.where(tuple_(_p.proposed, _p.id) > tuple_(*map(literal, after)))
    if by is not None:
        asked = asked.where(_p.proposed_by.in_(by))
    asked = asked.where(_p.proposed_by.not_in(not_by), _p.action.not_in(without))
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed, _p.id).limit(most))]


def ended_page(tx: Tx, *, most: int, after: tuple[int, str] | None = None) -> list[Proposal]:
    """Return decided or expired proposals, the latest first, from ``after`` on."""
    asked = select(proposals).where((_p.state != "open") | (_p.expires <= now()))
    if after is not None:
        asked = asked.where(tuple_(_p.proposed, _p.id) < tuple_(*map(literal, after)))
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed.desc(), _p.id.desc()).limit(most))]


def count_open(tx: Tx, by: str | None = None) -> int:
    """Return the number of open proposals of a person, or of all."""
    asked = select(func.count()).select_from(proposals).where(_p.state == "open", _p.expires > now())
    found: int = tx.execute(asked if by is None else asked.where(_p.proposed_by == by)).scalar_one()
    return found


def decide(tx: Tx, id_: str, state: ProposalState, by: str) -> None:
    """Store the result of a proposal, and the person who decided. Its values are no longer frozen."""
    frozen.end(tx, id_)
    tx.execute(update(proposals).where(_p.id == id_).values(state=state, decided_by=by, decided=now()))


def all_open(tx: Tx) -> list[Proposal]:
    """Return all open proposals, the oldest first."""
    asked = select(proposals).where(_p.state == "open", _p.expires > now())
    return [_proposal(row) for row in tx.execute(asked.order_by(_p.proposed, _p.id))]


def empty(tx: Tx, id_: str, effects: Sequence[Effect] = ()) -> None:
    """Remove a proposal's arguments and its note, and replace its effects."""
    values = {"arguments": _written({}), "effects": _lines(effects), "note": None}
    tx.execute(update(proposals).where(_p.id == id_).values(values))


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred proposals that ended ``before`` (microseconds), and return their number."""
    over = select(_p.id).where(_p.expires < before, (_p.decided.is_(None)) | (_p.decided < before)).limit(_PAGE)
    return tx.execute(delete(proposals).where(_p.id.in_(over))).rowcount


def _proposal(row: Any) -> Proposal:
    found = Proposal(*row)._replace(
        arguments=orjson.loads(row.arguments),
        effects=_effects(row.effects),
        proposer=None if row.proposer is None else orjson.loads(row.proposer),
        witnesses=None if row.witnesses is None else orjson.loads(row.witnesses),
    )
    if found.state == "open" and found.expires <= now():
        return found._replace(state="expired", decided=found.expires)
    return found


def _lines(effects: Sequence[Effect]) -> bytes:
    return orjson.dumps([effect.written() for effect in effects])


def _effects(written: bytes) -> list[Effect]:
    """Return the stored lines. Those of earlier program versions have no codes."""
    return [Effect(line) if isinstance(line, str) else Effect(*line) for line in orjson.loads(written)]


def _json(given: Any) -> bytes | None:
    return None if given is None else orjson.dumps(given)


def _written(arguments: Mapping[str, Any]) -> bytes:
    return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
