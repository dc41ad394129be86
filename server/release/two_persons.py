"""The actions that take two persons: one proposes, somebody else reads what it will do, and confirms exactly that.

The second person confirms what the first one read: where the same action would now do something else, the proposal is
void, and has to be made anew.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.errors import Rejected
from schemas.text import plain_name
from server.release.by_two_persons.persons import MESSAGES, SamePerson, is_same_name, same_person
from server.release.hub import Hub
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect, Proposal

LASTS_DAYS = 7
# A bulk of reviews is a hundred proposals at most; a person may have as many again.
MOST_OPEN = 200
_DAY = 86_400 * 1_000_000

Arguments = Mapping[str, Any]


class Effects(NamedTuple):
    """The effects of an action, line by line as people read them, and all that these follow from, to be compared.

    ``asides`` are read too; that they change meanwhile makes no proposal void.
    """

    lines: Sequence[Effect]
    basis: Any
    asides: Sequence[Effect] = ()


class Signatures(NamedTuple):
    """The proposal that is carried out, and the two persons: who proposed it, and who confirms it."""

    proposal: str
    proposed_by: str
    confirmed_by: str


class TwoPersonAction(NamedTuple):
    """An action that takes two persons: its word, its effects as things are now, and how it is carried out.

    ``effects`` changes nothing, but may lock what it reads, so that ``carry_out``, which follows in the transaction
    that confirms the proposal, meets the same. It raises ``ValueError``, ``LookupError`` or ``Rejected`` where the
    action cannot be done. ``carry_out`` returns what it did, line by line. ``finish`` does what is left
    after that, in transactions of its own.
    """

    name: str
    effects: Callable[[Hub, Tx, Arguments], Effects]
    carry_out: Callable[[Hub, Tx, Arguments, Signatures], Sequence[Effect]]
    finish: Callable[[Hub], Sequence[Effect]] | None = None


class NotAllowed(ValueError):
    """The proposal cannot be decided so; the message says why, and what to do."""


class TooManyOpen(Exception):
    """The person has as many open proposals as one may have."""


class NotASecondPerson(NotAllowed):
    """Who confirms it is, or may be, who proposed it; ``same`` is the reason."""

    def __init__(self, message: str, same: SamePerson) -> None:
        """Refuse with a message for the command line, and the reason."""
        super().__init__(message)
        self.same = same


class Confirmation(NamedTuple):
    """A decided proposal and what was done; where it is void, nothing was."""

    proposal: Proposal
    done: Sequence[Effect]


def propose(
    hub: Hub,
    tx: Tx,
    action: TwoPersonAction,
    arguments: Arguments,
    by: str,
    note: str | None = None,
    *,
    shown: Sequence[Effect] = (),
) -> Proposal:
    """Propose an action; somebody else has seven days to confirm it.

    Raises what ``action.effects`` raises, and ``TooManyOpen``.
    ``shown`` is what else the first person was shown; the second one reads it too.
    """
    _refuse_no_name(by)
    if proposals.count_open(tx, by) >= MOST_OPEN:
        raise TooManyOpen(f"{MOST_OPEN} proposals of {by} wait: others have to decide them, or they are withdrawn")
    effects = action.effects(hub, tx, arguments)
    lasts = LASTS_DAYS * _DAY
    told = [*effects.lines, *effects.asides, *shown]
    made = proposals.add(tx, action.name, arguments, told, _digest(effects), by, lasts=lasts, note=note)
    _record(tx, "PROPOSE", made.id, by)
    return made


def confirm(hub: Hub, tx: Tx, actions: Mapping[str, TwoPersonAction], id_: str, by: str) -> Confirmation:
    """Carry out what somebody else proposed, if it would still do exactly what the proposal says; else it is void.

    Raises ``UnknownProposal``, and ``NotAllowed`` where it is not open, or ``by`` is, or may be, who proposed it.
    """
    found = _open(tx, id_, by)
    days = hub.new_account_days
    same = same_person(tx, found.proposed_by, by, days)
    if same is not None:
        raise NotASecondPerson(MESSAGES[same].format(first=found.proposed_by, days=days), same)
    action = actions.get(found.action)
    if action is None:
        raise NotAllowed(f"this version of the program has no action {found.action}")
    if _is_void(hub, tx, action, found):
        return Confirmation(_decide(tx, found, "void", "VOID", by), ())
    # Its end is stored first: the action may have to remove from the proposal what it names.
    decided = _decide(tx, found, "confirmed", "CONFIRM", by)
    return Confirmation(decided, action.carry_out(hub, tx, found.arguments, Signatures(id_, found.proposed_by, by)))


def reject(tx: Tx, id_: str, by: str) -> Proposal:
    """Reject a proposal, also one's own. Raises ``UnknownProposal``, and ``NotAllowed`` where it is not open."""
    return _decide(tx, _open(tx, id_, by), "rejected", "REJECT", by)


def withdraw(tx: Tx, id_: str, by: str) -> Proposal:
    """Withdraw one's own proposal. Raises ``UnknownProposal``, and ``NotAllowed`` for another's and one not open."""
    found = _open(tx, id_, by)
    if not is_same_name(found.proposed_by, by):
        raise NotAllowed(f"{found.proposed_by} proposed it: reject it instead")
    return _decide(tx, found, "withdrawn", "WITHDRAW", by)


def _refuse_no_name(by: str) -> None:
    if not plain_name(by):
        raise NotAllowed("say who you are: --by NAME")


def _open(tx: Tx, id_: str, by: str) -> Proposal:
    _refuse_no_name(by)
    found = proposals.find(tx, id_)
    if found.state != "open":
        raise NotAllowed(f"the proposal {id_} is {found.state}; propose it anew")
    return found


def _is_void(hub: Hub, tx: Tx, action: TwoPersonAction, found: Proposal) -> bool:
    try:
        return _digest(action.effects(hub, tx, found.arguments)) != found.basis
    except (ValueError, LookupError, Rejected):
        return True


def _decide(tx: Tx, found: Proposal, state: proposals.ProposalState, verb: str, by: str) -> Proposal:
    proposals.decide(tx, found.id, state, by)
    _record(tx, verb, found.id, by)
    return proposals.find(tx, found.id)


def _record(tx: Tx, verb: str, id_: str, by: str) -> None:
    moment = now()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, by, verb, "proposal", None, 200, 1, id_)])


def _digest(effects: Effects) -> bytes:
    lines = [line.written() for line in effects.lines]
    return hashlib.sha256(orjson.dumps([lines, effects.basis], option=orjson.OPT_SORT_KEYS)).digest()
