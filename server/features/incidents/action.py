"""Dual control over the decision on an incident: the second person confirms it for exactly the selected reports."""

from collections.abc import Sequence
from typing import get_args

from schemas.errors import Rejected
from server.features.incidents import carrying_out, records
from server.features.incidents.records import Decision, Incident
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.hub import Hub
from server.store import audit
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect, Proposal

_NAME = "decide-incident"
_MOST_PARTNERS = 5


def refuse_unready(tx: Tx, found: Incident, decision: Decision) -> None:
    """Refuse a decision that the incident does not admit now. Raises ``Rejected``."""
    if found.state != "ready":
        raise Rejected("incident-unfinished", "the selection was interrupted: discard it, and select the reports again")
    past = records.decisions_of(tx, [found.id]).get(found.id, [])
    if past and past[-1].ended is None:
        raise Rejected("incident-running", "a decision on this incident is being carried out: wait until it has ended")
    if decision not in carrying_out.AFTER[past[-1].decision if past else None]:
        raise Rejected(
            "incident-decided", f"the last decision was {past[-1].decision}: {decision} changes nothing after it"
        )


def arguments_of(id_: str, decision: Decision) -> Arguments:
    """Return the arguments of a proposed decision on an incident."""
    return {"incident": id_, "decision": decision}


def open_proposal(tx: Tx, id_: str) -> Proposal | None:
    """Return the latest open proposal of a decision on an incident."""
    found = proposals.find_open(tx, _NAME, [arguments_of(id_, decision) for decision in get_args(Decision)])
    return found[-1] if found else None


def effects_of(tx: Tx, found: Incident, decision: Decision) -> tuple[list[Effect], list[Effect]]:
    """Return the lines of a decision that void its proposal if they change, and further lines."""
    lines = [
        Effect(
            f"incident-{decision}", {"incident": found.id, "reports": found.reports, "values": found.summary["values"]}
        ),
        Effect("incident-digest", {"digest": found.digest.hex()[:16]}),
    ]
    by_partner = records.partners_of(tx, found.id)
    asides = [
        Effect("incident-partner", {"partner": partner, "reports": number})
        for partner, number in list(by_partner.items())[:_MOST_PARTNERS]
    ]
    asides += [
        Effect("incident-collection", {name: place[name] for name in ("collection", "listings", "readers", "read")})
        for place in found.summary["collections"]
        if not place["is_private"]
    ]
    asides.append(Effect("reason", {"reason": found.reason}))
    return lines, asides


def _decision(arguments: Arguments) -> Decision:
    given: Decision = arguments["decision"]
    if given not in get_args(Decision):
        raise Rejected("not-open", "this version of the program has no such decision")
    return given


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the effects. Raises ``UnknownIncident``, and ``Rejected`` if it can no longer be decided like this."""
    del hub
    found, decision = records.find(tx, str(arguments["incident"])), _decision(arguments)
    refuse_unready(tx, found, decision)
    lines, asides = effects_of(tx, found, decision)
    return Effects(lines, [found.id, found.digest.hex(), decision], asides)


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    found = records.find(tx, str(arguments["incident"]))
    by = signatures.confirmed_by
    carrying_out.begin(hub, tx, found.id, _decision(arguments), signatures.proposal, by)
    audit.record_act(
        tx, by, "DECIDE", "incident", partner=found.owner, objects=found.reports, reference=f"incident {found.id}"
    )
    return [Effect("incident-begun", {"incident": found.id, "reports": found.reports})]


def _finish(hub: Hub) -> Sequence[Effect]:
    """Carry out what no server works on."""
    carrying_out.resume(hub, idle_since=now() + 1)
    return []


DECIDE = DualControlAction(_NAME, _effects, _carry_out, _finish)
