"""Examples of the operations on incidents: a partner's own, with its one report."""

from collections.abc import Callable, Mapping
from typing import Any

from server.features.incidents import carrying_out
from server.features.incidents.operations import (
    ConfirmIncident,
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    RejectIncident,
    ResumeIncident,
    SelectReports,
)
from server.features.incidents.selection import Chosen
from server.operations.operation import Act, Actor
from server.operations.rights import ADMINS, PARTNER_ADMINS
from server.operations.run import run
from server.release.hub import Hub
from server.store.proposals.proposals import Proposal
from tests import operators_desk as desk

_ACTOR = Actor("Somebody Else", next(iter(PARTNER_ADMINS)), desk.REPORTER)


def _select(hub: Hub) -> SelectReports:
    chosen = Chosen(partner=desk.REPORTER, values=(desk.OBJECTED,))
    return SelectReports.read(hub, _ACTOR, chosen, "the wrong column was sent")


def _selected(hub: Hub) -> str:
    operation = _select(hub)
    run(hub, operation, _ACTOR)
    return operation.id


def _proposed(hub: Hub) -> dict[str, str]:
    id_ = _selected(hub)
    made = run(hub, DecideIncident(id=id_, decision="hold"), _ACTOR)
    assert isinstance(made, Proposal)
    return {"id": id_, "proposal": made.id}


def _running(hub: Hub, *, paused: bool) -> str:
    id_ = _selected(hub)
    with hub.store.begin() as tx:
        decision = carrying_out.begin(hub, tx, id_, "hold", None, "Somebody Else")
        if paused:
            carrying_out.set_paused(tx, decision, paused=True)
    return id_


def _of_operators(hub: Hub) -> Act[Any]:
    actor = Actor("Somebody Else", next(iter(ADMINS)))
    operation = SelectReports.read(hub, actor, Chosen(partner=desk.REPORTER), "the wrong column was sent")
    run(hub, operation, actor)
    return DecideIncident(id=operation.id, decision="retract")


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "incident confirm": lambda hub: ConfirmIncident(**_proposed(hub)),
    "incident decide": lambda hub: DecideIncident(id=_selected(hub), decision="hold"),
    "incident discard": lambda hub: DiscardIncident(id=_selected(hub)),
    "incident pause": lambda hub: PauseIncident(id=_running(hub, paused=False)),
    "incident reject": lambda hub: RejectIncident(**_proposed(hub)),
    "incident resume": lambda hub: ResumeIncident(id=_running(hub, paused=True)),
    "incident select": _select,
}

NEED_SECOND_PERSON: Mapping[str, Callable[[Hub], Act[Any]]] = {"incident decide": _of_operators}
