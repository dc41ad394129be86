"""The erasure of a value as an action under dual control."""

from typing import Any

from server.features.erasures import job, plan
from server.features.federation import publishing
from server.features.federation.desk import erasures
from server.features.objections.decide import end_erased
from server.features.requests.ageing import close_all
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release import spellings
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.traces import all_names
from server.store import audit, erased, listings, reviews, value_index
from server.store.database.engine import StoreUnavailable, Tx
from server.store.database.times import now
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect

NAME = "erase"
_LONGEST_REASON = 200


class BadReason(ValueError):
    """The reason cannot be stored."""


def arguments(tx: Tx, text: str, kind: str | None, reason: str) -> dict[str, Any]:
    """Return the arguments of an erasure of the value that a text means. Raises what ``plan.subjects_of`` raises."""
    names = plan.subjects_of(tx, text, kind)
    reason = " ".join(reason.split())
    if not reason or len(reason) > _LONGEST_REASON:
        raise BadReason(f"give a reason of {_LONGEST_REASON} characters at most: it is stored permanently")
    values = [(kind_, value) for kind_, _, value in (name.partition(":") for name in names)]
    if spellings.of(values).is_in(reason.encode()) or text in reason:
        raise BadReason("the reason is stored permanently: it must not name the value")
    return {"subjects": names, "reason": reason, "proposed": now()}


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    made = plan.of(tx, arguments["subjects"])
    asides = plan.asides(made, _delays(hub, made, arguments))
    return Effects(plan.lines(made, arguments["reason"]), plan.basis(made), asides)


def _delays(hub: Hub, made: plan.ErasurePlan, arguments: Arguments) -> list[plan.Delay]:
    return made.delays(int(arguments.get("proposed", 0)), hub.erasure_wait_days)


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> list[Effect]:
    """Retract the value if it is listed, hold later reports of it, and begin the work that erases it.

    Open requests are closed, so that their parties are told. Raises ``StillAsked``.
    """
    names = arguments["subjects"]
    before = plan.of(tx, names)
    plan.check(_delays(hub, before, arguments), now())
    close_all(hub, tx, [request.id for request in before.open_requests])
    ids = sorted(id_ for name in names for id_ in listings.ids(tx, name))
    keys = sorted(key for found in value_index.find(tx, names).values() for key in found if "indicator--" in key)
    retract_all(hub, tx, [*ids, *keys], reason="erased")
    reviews.delist(tx, all_names(names))
    published = publishing.erase(tx, names, arguments["reason"])
    end_erased(tx, names, signatures.confirmed_by)
    made = plan.of(tx, names)
    record = erased.begin(tx, made.kinds, arguments["reason"], signatures.proposed_by, signatures.confirmed_by)
    erasures.note(tx, record.id, published)
    job.begin(tx, record.id, made.traces)
    audit.record_act(tx, signatures.confirmed_by, "ERASE", "value", reference=record.id)
    about = {"id": record.id, "kinds": made.kinds}
    proposals.empty(tx, signatures.proposal, [Effect("erasure-of", about)])
    return [Effect("erasure-begun", about)]


def finish(hub: Hub) -> list[Effect]:
    """Do the rest of all erasures, and return how each ended; the workers finish what cannot be done now."""
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


ACTION = DualControlAction(NAME, _effects, _carry_out, finish)
