"""Actions under dual control: one person proposes; another reads the effects and confirms exactly these.

The second person confirms what the first one read. If the action would now have other effects, the proposal is void and
has to be made again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.errors import Rejected
from schemas.text import plain_name
from server.operations.thawing import thaw
from server.release.hub import Hub
from server.release.persons import MESSAGES, Identity, SamePerson, identity_of, is_same_name, same_person
from server.store import audit
from server.store.database.engine import Tx
from server.store.operators import former, users
from server.store.operators.users import OperatorRole, User
from server.store.proposals import frozen, proposals
from server.store.proposals.proposals import Effect, Proposal

LASTS_DAYS = 7
# A bulk decision on reviews makes up to a hundred proposals; a person may have twice that number open.
MOST_OPEN = 200
_DAY = 86_400 * 1_000_000

Arguments = Mapping[str, Any]


class Effects(NamedTuple):
    """The effects of an action, as lines for people, and the facts that they follow from, for comparison.

    ``asides`` are shown too, but a change of them does not void the proposal. ``witnesses`` are the organisations that
    ever reported the values concerned. A further one voids the proposal, because the first person did not know of it. A
    new report by one of them, or a retraction, does not.
    """

    lines: Sequence[Effect]
    basis: Any
    asides: Sequence[Effect] = ()
    witnesses: Sequence[str] | None = None


class Signatures(NamedTuple):
    """The proposal that is carried out, and the two persons: the proposer and the one who confirms."""

    proposal: str
    proposed_by: str
    confirmed_by: str


class DualControlAction(NamedTuple):
    """An action under dual control: its name, its present effects, and how it is carried out.

    - ``effects`` changes nothing, but may lock the data that it reads, so that ``carry_out`` sees the same later in the
      confirming transaction. It raises ``ValueError``, ``LookupError`` or ``Rejected`` if the action cannot be done.
    - ``carry_out`` returns its results, line by line.
    - ``finish`` does the remaining work afterwards, in transactions of its own.
    - ``freezes`` returns the values that no further collection may list while the proposal is open.
    - ``announce`` tells the partner concerned that the action was proposed.
    - ``shows_secrets``: the person who confirms it is shown links or credentials, once, so only an administrator may.
    """

    name: str
    effects: Callable[[Hub, Tx, Arguments], Effects]
    carry_out: Callable[[Hub, Tx, Arguments, Signatures], Sequence[Effect]]
    finish: Callable[[Hub], Sequence[Effect]] | None = None
    freezes: Callable[[Tx, Arguments], Iterable[str]] | None = None
    announce: Callable[[Tx, Arguments], None] | None = None
    shows_secrets: bool = False


class NotAllowed(ValueError):
    """The proposal cannot be decided this way; the message states the reason and the way out."""


class TooManyOpen(Exception):
    """The person has the maximum number of open proposals."""


class NotASecondPerson(NotAllowed):
    """The person who confirms is, or may be, the proposer; ``same`` is the reason."""

    def __init__(self, message: str, same: SamePerson) -> None:
        """Refuse with a message for the command line, and the reason."""
        super().__init__(message)
        self.same = same


class Confirmation(NamedTuple):
    """A decided proposal and its results; a void proposal has none."""

    proposal: Proposal
    done: Sequence[Effect]


def propose(
    hub: Hub,
    tx: Tx,
    action: DualControlAction,
    arguments: Arguments,
    by: str,
    note: str | None = None,
    *,
    shown: Sequence[Effect] = (),
) -> Proposal:
    """Propose an action; another person has seven days to confirm it.

    Raises what ``action.effects`` raises, and ``TooManyOpen``. ``shown`` are further effects shown to the first person;
    the second one reads them too.
    """
    _refuse_no_name(by)
    if proposals.count_open(tx, by) >= MOST_OPEN:
        raise TooManyOpen(
            f"{MOST_OPEN} proposals of {by} are open: other persons have to decide them, or you withdraw some"
        )
    effects = action.effects(hub, tx, arguments)
    lasts = LASTS_DAYS * _DAY
    told = [*effects.lines, *effects.asides, *shown]
    user = users.find(tx, by)
    made = proposals.add(
        tx,
        action.name,
        arguments,
        told,
        _digest(effects),
        by,
        lasts=lasts,
        note=note,
        proposer=None if user is None else identity_of(user, former.kept(tx)).written(),
        witnesses=effects.witnesses,
    )
    if action.freezes is not None:
        frozen.freeze(tx, made.id, action.freezes(tx, arguments))
    if action.announce is not None:
        action.announce(tx, arguments)
    _record(tx, "PROPOSE", made.id, by)
    return made


def confirm(hub: Hub, tx: Tx, actions: Mapping[str, DualControlAction], id_: str, by: str) -> Confirmation:
    """Carry out another person's proposal if it would still have exactly the stated effects; otherwise it becomes void.

    Raises ``UnknownProposal``, and ``NotAllowed`` if it is not open, or if ``by`` is, or may be, its proposer.
    """
    found = _open(tx, id_, by)
    same = who_confirms(hub, tx, found, by)
    if same is not None:
        raise NotASecondPerson(MESSAGES[same].format(first=found.proposed_by, days=hub.new_account_days), same)
    action = actions.get(found.action)
    if action is None:
        raise NotAllowed(f"this version of the program has no action {found.action}")
    if not _may_still_propose(tx, found) or _is_void(hub, tx, action, found):
        return Confirmation(_drop(hub, tx, found, "void", "VOID", by), ())
    # Store its end first: the action may have to erase from the proposal a value that it names.
    decided = _decide(tx, found, "confirmed", "CONFIRM", by)
    done = action.carry_out(hub, tx, found.arguments, Signatures(id_, found.proposed_by, by))
    # The action itself updated the listings of these values.
    frozen.take_over(tx, [id_])
    return Confirmation(decided, done)


def who_confirms(hub: Hub, tx: Tx, found: Proposal, by: str) -> SamePerson | None:
    """Return why ``by`` is not a second person for an open proposal, None if it is one."""
    stored = None if found.proposer is None else Identity.read(found.proposer)
    return same_person(tx, found.proposed_by, by, hub.new_account_days, stored=stored)


def reject(hub: Hub, tx: Tx, id_: str, by: str) -> Proposal:
    """Reject a proposal, including one's own. Raises ``UnknownProposal``, and ``NotAllowed`` if it is not open."""
    return _drop(hub, tx, _open(tx, id_, by), "rejected", "REJECT", by)


def void_of_user(hub: Hub, tx: Tx, user: User, by: str) -> int:
    """Void all open proposals of a user who is being removed or may no longer propose; return their number.

    Call it before the user is removed.
    """
    mine = [
        found
        for found in proposals.all_open(tx)
        if (found.proposer["account"] == user.id if found.proposer else is_same_name(found.proposed_by, user.name))
    ]
    for found in mine:
        _decide(tx, found, "void", "VOID", by)
    if mine:
        thaw(hub, tx, [found.id for found in mine])
    return len(mine)


def withdraw(hub: Hub, tx: Tx, id_: str, by: str) -> Proposal:
    """Withdraw one's own proposal. Raises ``UnknownProposal``, and ``NotAllowed`` for another's and one not open."""
    found = _open(tx, id_, by)
    if not is_same_name(found.proposed_by, by):
        raise NotAllowed(f"{found.proposed_by} proposed it: reject it instead")
    return _drop(hub, tx, found, "withdrawn", "WITHDRAW", by)


def _refuse_no_name(by: str) -> None:
    if not plain_name(by):
        raise NotAllowed("give your name: --by NAME")


def _open(tx: Tx, id_: str, by: str) -> Proposal:
    _refuse_no_name(by)
    found = proposals.find(tx, id_)
    if found.state != "open":
        raise NotAllowed(f"the proposal {id_} is {found.state}; propose it anew")
    return found


def _is_void(hub: Hub, tx: Tx, action: DualControlAction, found: Proposal) -> bool:
    try:
        effects = action.effects(hub, tx, found.arguments)
    except (ValueError, LookupError, Rejected):
        return True
    return _digest(effects) != found.basis or not set(effects.witnesses or ()) <= set(found.witnesses or ())


def _may_still_propose(tx: Tx, found: Proposal) -> bool:
    """Return whether the proposer still exists, and has more than read access."""
    if found.proposer is None:
        return True
    user = users.by_id(tx, found.proposer["account"])
    return user is not None and (user.partner is not None or user.role != OperatorRole.VIEWER)


def _drop(hub: Hub, tx: Tx, found: Proposal, state: proposals.ProposalState, verb: str, by: str) -> Proposal:
    """End a proposal without carrying it out; the values that it froze may be listed again."""
    ended = _decide(tx, found, state, verb, by)
    thaw(hub, tx, [found.id])
    return ended


def _decide(tx: Tx, found: Proposal, state: proposals.ProposalState, verb: str, by: str) -> Proposal:
    proposals.decide(tx, found.id, state, by)
    _record(tx, verb, found.id, by)
    return proposals.find(tx, found.id)


def _record(tx: Tx, verb: str, id_: str, by: str) -> None:
    audit.record_act(tx, by, verb, "proposal", reference=id_)


def _digest(effects: Effects) -> bytes:
    lines = [line.written() for line in effects.lines]
    return hashlib.sha256(orjson.dumps([lines, effects.basis], option=orjson.OPT_SORT_KEYS)).digest()
