"""Run an operation: check the right, ask for a second person, do the act, and write its entry in the audit trail."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, overload

from schemas.errors import Rejected
from server.operations import dual_control
from server.operations.operation import Act, Actor, DualControlOperation, Operation
from server.operations.patience import write_patiently
from server.operations.rights import SYSTEM
from server.release.guard.personal_data.free_text import find_personal_data
from server.release.hub import Hub
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.proposals import Proposal

Result = TypeVar("Result")
Check = Callable[[Tx], object]


class NotPermitted(Exception):
    """The actor has no right to the operation."""


@overload
def run(hub: Hub, operation: Operation[Result], actor: Actor, *, check: Check | None = None) -> Result: ...


@overload
def run(
    hub: Hub, operation: DualControlOperation[Result], actor: Actor, *, check: Check | None = None
) -> Result | Proposal: ...


@overload
def run(hub: Hub, operation: Act[Result], actor: Actor, *, check: Check | None = None) -> Result | Proposal: ...


def run(hub: Hub, operation: Act[Result], actor: Actor, *, check: Check | None = None) -> Result | Proposal:
    """Run an operation in one transaction, with its entry in the audit trail, and return its result.

    If a second person has to confirm the act, this stores and returns the proposal. ``check`` is what the front end
    checks in the same transaction before the act, such as the quota of a partner. Raises ``NotPermitted``, ``Rejected``
    for personal data in one of the operation's texts, and the errors of ``check`` and ``operation.apply``; then nothing
    is changed.
    """
    _require_right(operation, actor)

    def do(tx: Tx) -> Result | Proposal:
        if check is not None:
            check(tx)
        return _done(hub, tx, operation, actor)

    done = write_patiently(hub.store, do)
    if not isinstance(done, Proposal):
        operation.finish(hub)
    return done


def _require_right(operation: Act[Result], actor: Actor) -> None:
    """Refuse an actor that has no right to the operation. Raises ``NotPermitted``."""
    acts_for = operation.acts_for()
    is_other_partner = actor.partner is not None and acts_for is not None and actor.partner != acts_for
    if is_other_partner or (actor.right != SYSTEM and actor.right not in operation.rights):
        raise NotPermitted(f"{actor.name} has no right to {operation.name}")


class DryRun(NamedTuple):
    """The effect of an operation: its entries in the audit trail, and the proposals that it would make."""

    entries: Sequence[AuditEvent]
    proposals: Sequence[Proposal]


class _RolledBack(Exception):
    """Ends a dry run, and rolls its transaction back."""


def dry_run(hub: Hub, operation: Act[Any], actor: Actor) -> DryRun:
    """Return what an operation would do, by running it in a transaction that is rolled back.

    ``operation.finish`` is left out. Raises what ``run`` raises.
    """
    _require_right(operation, actor)
    found: list[DryRun] = []

    def do(tx: Tx) -> None:
        begun = now()
        done = _done(hub, tx, operation, actor)
        proposals = (done,) if isinstance(done, Proposal) else getattr(done, "proposed", ())
        found.append(DryRun(audit.since(tx, actor.name, begun), proposals))
        raise _RolledBack

    with suppress(_RolledBack):
        write_patiently(hub.store, do)
    return found[-1]


def _refuse_personal_data(hub: Hub, operation: Act[Result]) -> None:
    """Refuse a text with personal data. Raises ``Rejected``, which names the field and never repeats the data."""
    regions = (hub.country,) if hub.country else ()
    for name in operation.texts:
        if text := getattr(operation, name):
            found = find_personal_data(text, regions)
            if found is not None:
                raise Rejected("personal-data", f"{name}: it contains {found}; write it without")


def _done(hub: Hub, tx: Tx, operation: Act[Result], actor: Actor) -> Result | Proposal:
    """Do the act, or propose it if a second person has to confirm it."""
    _refuse_personal_data(hub, operation)
    if isinstance(operation, DualControlOperation) and actor.needs_second_person(tx):
        asked = operation.second_person(hub, tx, actor)
        if asked is not None:
            if asked.now is not None:
                _applied(hub, tx, asked.now, actor)
            return dual_control.propose(
                hub, tx, asked.action, asked.arguments, actor.name, asked.note, shown=asked.shown
            )
    return _applied(hub, tx, operation, actor)


def _applied(hub: Hub, tx: Tx, operation: Act[Result], actor: Actor) -> Result:
    result = operation.apply(hub, tx, actor)
    for entry in operation.entries(result):
        audit.record_act(
            tx,
            actor.name,
            entry.verb,
            entry.what,
            partner=entry.partner,
            collection=entry.collection,
            status=entry.status,
            objects=entry.objects,
            reference=entry.reference,
            chain=entry.chain,
        )
    return result
