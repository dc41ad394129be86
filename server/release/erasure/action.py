"""The erasure of a value as an action that takes two persons."""

from typing import Any

from server.release.erasure import job, plan, spellings
from server.release.erasure.traces import all_names
from server.release.hub import Hub
from server.release.objections.decide import end_erased
from server.release.requests.ageing import close_all
from server.release.retract import retract_all
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store import audit, listings, reviews, value_index
from server.store.audit import AuditEvent
from server.store.database.engine import StoreUnavailable, Tx
from server.store.database.times import now
from server.store.erasure import erased
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect

NAME = "erase"
_LONGEST_REASON = 200


class BadReason(ValueError):
    """The reason cannot be kept."""


def arguments(tx: Tx, text: str, kind: str | None, reason: str) -> dict[str, Any]:
    """Return the arguments of an erasure of the value that a text means. Raises what ``plan.subjects_of`` raises."""
    names = plan.subjects_of(tx, text, kind)
    reason = " ".join(reason.split())
    if not reason or len(reason) > _LONGEST_REASON:
        raise BadReason(f"give a reason of {_LONGEST_REASON} characters at most: it is kept for ever")
    values = [(kind_, value) for kind_, _, value in (name.partition(":") for name in names)]
    if spellings.of(values).is_in(reason.encode()) or text in reason:
        raise BadReason("the reason is kept for ever: it must not name the value")
    return {"subjects": names, "reason": reason, "proposed": now()}


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    made = plan.of(tx, arguments["subjects"])
    asides = plan.asides(made, _delays(hub, made, arguments))
    return Effects(plan.lines(made, arguments["reason"]), plan.basis(made), asides)


def _delays(hub: Hub, made: plan.ErasurePlan, arguments: Arguments) -> list[plan.Delay]:
    return made.delays(int(arguments.get("proposed", 0)), hub.erasure_wait_days)


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> list[Effect]:
    """Retract the value where it stands, hold later reports of it, and begin the work that erases it.

    Requests that are open are closed, so that their parties hear of it. Raises ``StillAsked``.
    """
    names = arguments["subjects"]
    before = plan.of(tx, names)
    plan.check(_delays(hub, before, arguments), now())
    close_all(hub, tx, [request.id for request in before.open_requests])
    ids = sorted(id_ for name in names for id_ in listings.ids(tx, name))
    keys = sorted(key for found in value_index.find(tx, names).values() for key in found if "indicator--" in key)
    retract_all(hub, tx, [*ids, *keys], reason="erased")
    reviews.delist(tx, all_names(names))
    end_erased(tx, names, signatures.confirmed_by)
    made = plan.of(tx, names)
    record = erased.begin(tx, made.kinds, arguments["reason"], signatures.proposed_by, signatures.confirmed_by)
    job.begin(tx, record.id, made.traces)
    moment = now()
    audit.record_unsealed(
        tx, [AuditEvent(moment, moment, 1, None, signatures.confirmed_by, "ERASE", "value", None, 200, 1, record.id)]
    )
    about = {"id": record.id, "kinds": made.kinds}
    proposals.empty(tx, signatures.proposal, [Effect("erasure-of", about)])
    return [Effect("erasure-begun", about)]


def finish(hub: Hub) -> list[Effect]:
    """Do what is left of all erasures, and return how each ended; what cannot be done now, the workers do later."""
    with hub.store.read() as tx:
        open_ = [record.id for record in erased.all_erasures(tx, only_open=True)]
        left = job.unfinished(tx)
    for id_ in left:
        for _ in job.run(hub, id_):
            pass
    try:
        job.rewrite_files(hub.store)
    except StoreUnavailable as error:
        return [Effect("files-later", {"error": str(error)})]
    return [Effect("erasure-ended", {"id": id_}) for id_ in open_]


ACTION = TwoPersonAction(NAME, _effects, _carry_out, finish)
