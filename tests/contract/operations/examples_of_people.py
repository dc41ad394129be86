"""Examples of the operations on people, proposals and erasures."""

from collections.abc import Callable, Mapping
from typing import Any

from server.features.erasures.operations import FinishErasures, ProposeErasure
from server.features.people.account.operations import (
    AddOwnPasskey,
    EndOwnSessions,
    RemoveOwnPasskey,
    SetOwnPassword,
    SetOwnSecondFactor,
)
from server.features.people.operators.operations import (
    AddOperator,
    ChangeOperatorRole,
    MakeAdmin,
    RemoveOperator,
    RenewOperatorLink,
    SetOperatorAddress,
)
from server.features.proposals.operations import ConfirmProposal, RejectProposal, WithdrawProposal
from server.features.reminders import choices
from server.features.reminders.operations import ConfirmReminders, SetOwnReminders, StopReminders
from server.features.reports.delistings import CLEAR
from server.operations import dual_control
from server.operations.operation import Act
from server.release.hub import Hub
from server.store.operators import passkeys, sessions, users
from server.store.operators.users import OperatorRole, User
from tests import operators_desk as desk

# The person who runs the examples.
PERSON = "Somsri P."


def _operator(hub: Hub) -> str:
    """Add an operator, and return the name."""
    with hub.store.begin() as tx:
        users.add(tx, "Kanya", OperatorRole.ANALYST, "Somebody")
    return "Kanya"


def _proposal(hub: Hub, by: str) -> str:
    """Make a proposal, and return its id."""
    with hub.store.begin() as tx:
        return dual_control.propose(hub, tx, CLEAR, {"id": "o-listed"}, by).id


def _withdraw(hub: Hub) -> Act[Any]:
    # The entry of the proposal itself would look like one of the examined run.
    return WithdrawProposal(id=_proposal(hub, PERSON.upper()))


def _own_link(hub: Hub) -> str:
    """Add an account of the person, and return the secret of its link."""
    with hub.store.begin() as tx:
        return users.add(tx, PERSON, OperatorRole.ANALYST, "Somebody")


def _own_account(hub: Hub) -> User:
    """Add an account of the person with two sessions and a passkey."""
    _own_link(hub)
    with hub.store.begin() as tx:
        own = users.get(tx, PERSON)
        for _ in range(2):
            sessions.begin(tx, own.id, "full", lasts=3_600_000_000)
        passkeys.add(tx, b"old", own.id, "Telephone", b"key", 0)
        return own


def _set_second_factor(hub: Hub) -> Act[Any]:
    _own_account(hub)
    return SetOwnSecondFactor(encrypted=b"encrypted", step=1)


def _add_passkey(hub: Hub) -> Act[Any]:
    _own_account(hub)
    return AddOwnPasskey(id=b"new", label="Key", public_key=b"key")


def _remove_passkey(hub: Hub) -> Act[Any]:
    _own_account(hub)
    return RemoveOwnPasskey(id=b"old")


def _end_sessions(hub: Hub) -> Act[Any]:
    own = _own_account(hub)
    with hub.store.read() as tx:
        return EndOwnSessions(present=sessions.of_user(tx, own.id)[0][0])


def _set_reminders(hub: Hub) -> Act[Any]:
    _own_link(hub)
    return SetOwnReminders(language="th", address="somsri@bank.example")


def _confirm_reminders(hub: Hub) -> Act[Any]:
    _own_link(hub)
    with hub.store.begin() as tx:
        own, address = users.get(tx, PERSON).id, "somsri@bank.example"
        choices.store(tx, choices.Choices(own, address=address))
        return ConfirmReminders(token=choices.sign(tx, own, f"confirm:{address}"))


def _stop_reminders(hub: Hub) -> Act[Any]:
    _own_link(hub)
    with hub.store.read() as tx:
        return StopReminders(token=choices.sign(tx, users.get(tx, PERSON).id, "stop"))


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "erase": lambda hub: ProposeErasure(value=desk.OBJECTED, reason="a court ordered it"),
    "erasure finish": lambda hub: FinishErasures(),
    "operator add": lambda hub: AddOperator(operator="Kanya", role=OperatorRole.ANALYST),
    "operator email": lambda hub: SetOperatorAddress(operator=_operator(hub), email="kanya@hub.example"),
    "operator link": lambda hub: RenewOperatorLink(operator=_operator(hub)),
    "operator make-admin": lambda hub: MakeAdmin(operator=_operator(hub)),
    "operator remove": lambda hub: RemoveOperator(operator=_operator(hub)),
    "operator role": lambda hub: ChangeOperatorRole(operator=_operator(hub), role=OperatorRole.VIEWER),
    "own passkey add": _add_passkey,
    "own passkey remove": _remove_passkey,
    "own password set": lambda hub: SetOwnPassword(link=_own_link(hub), password="several long words"),
    "own reminders set": _set_reminders,
    "own second-factor set": _set_second_factor,
    "own sessions end": _end_sessions,
    "proposal confirm": lambda hub: ConfirmProposal(id=_proposal(hub, "Anong")),
    "proposal reject": lambda hub: RejectProposal(id=_proposal(hub, "Anong")),
    "proposal withdraw": _withdraw,
    "reminders confirm": _confirm_reminders,
    "reminders stop": _stop_reminders,
}

NEED_SECOND_PERSON: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "erase": EXAMPLES["erase"],
    "operator make-admin": lambda hub: MakeAdmin(operator="Kanya"),
}
