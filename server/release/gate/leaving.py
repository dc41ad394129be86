"""Decide whether a value may leave the hub: in collections, requests, mails and answers alike."""

from enum import StrEnum
from typing import NamedTuple

from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Subject
from schemas.reference.sites import is_shared
from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue
from server.release.guard.allowlists import hub_values
from server.release.guard.allowlists.catalogue import ALLOWLISTS, AllowlistMatch, EntryType
from server.release.guard.allowlists.lookup import Allowlists
from server.release.guard.harmless import match_harmless
from server.release.reasons import Reason
from server.release.session import ReleaseSession
from server.store import value_index

# No partner has this name: the decision is the same for all reporters.
_NOBODY = "hub"
# Entries of these types serve many others besides a scammer, so that a whole domain of theirs is never blocked.
_SERVES_OTHERS = frozenset((EntryType.SHARED, EntryType.SERVICES))


class Purpose(StrEnum):
    """Why a value leaves the hub.

    A request by notice does not bind its addressee. A request by order does, and its authority is responsible for it.
    ``READ`` is a request that changes nothing for the holder of the value: to trace, to preserve, for information.
    """

    PUBLISH = "publish"
    ANSWER = "answer"
    PUSH = "push"
    DEMAND_BY_NOTICE = "demand-by-notice"
    DEMAND_BY_ORDER = "demand-by-order"
    READ = "read"
    MAIL = "mail"
    SPEAK = "speak"


class Ruling(StrEnum):
    """The ruling of the gate: the value leaves the hub, waits for a decision of operators, or is refused."""

    LEAVES = "leaves"
    HOLD = "hold"
    REFUSE = "refuse"


class GateDecision(NamedTuple):
    """A ruling, and for a value that does not leave the code of the reason, and the message to the sender."""

    ruling: Ruling
    code: str = ""
    message: str = ""


class Leaving(NamedTuple):
    """A value that is to leave the hub, with the purpose, and the partner that wants it: None if it is no partner.

    ``restricts`` says that the addressee is asked to act against the value's holder. ``blocks_domain``: readers of a
    whole territory are kept from everything below the domain.
    """

    of: Subject
    purpose: Purpose
    sender: Partner | None = None
    restricts: bool = False
    blocks_domain: bool = False


PASSES = GateDecision(Ruling.LEAVES)


def may_leave(context: ReleaseContext, allowlists: Allowlists, leaving: Leaving) -> GateDecision:
    """Decide whether a value may leave the hub now.

    - A value that the guard calls harmless or shared is held.
    - A value that the hub found wrong or erased is held, except for an order: its authority is responsible for the
      new facts.
    - A request to block a whole domain that serves others is refused for every sender.
    - A notice against the holder of an account who acts under coercion is refused; an order is not.

    Requests that only read pass. Nothing is stored.
    """
    if leaving.purpose is Purpose.READ:
        return PASSES
    report = as_report(leaving.of)
    match = match_harmless(allowlists, context.facts, report, context.micros)
    if match is not None:
        if leaving.blocks_domain and _serves_others(match, report.value):
            return _decision(Ruling.REFUSE, Reason.SHARED_DOMAIN, instead=match.message)
        return GateDecision(Ruling.HOLD, match.list, match.message)
    if leaving.purpose is not Purpose.DEMAND_BY_ORDER and _is_delisted(context, report):
        return _decision(Ruling.HOLD, Reason.DEMAND_HELD)
    if leaving.purpose is Purpose.DEMAND_BY_NOTICE and leaving.restricts:
        return _rule_on_holder(context, leaving)
    return PASSES


def _serves_others(match: AllowlistMatch, domain: str) -> bool:
    """Return whether a domain serves many others besides a scammer, such as a hoster's or a platform's."""
    known = ALLOWLISTS.get(match.list)
    return is_shared(domain) or (known is not None and known.entry_type in _SERVES_OTHERS)


def _rule_on_holder(context: ReleaseContext, leaving: Leaving) -> GateDecision:
    """Decide on a notice against a holder. The reason is shown only to a sender that may read the report of coercion.

    Any other sender gets the same message as for a value that the hub found wrong: operators decide.
    """
    kind, normal = str(leaving.of.kind), str(leaving.of.value)
    subject = value_index.subject_of(kind, normal)
    if not value_index.find(context.tx, [subject]).get(subject):
        return PASSES
    [value] = ReleaseSession(context).load([subject])
    if not value.coerced:
        return PASSES
    if leaving.sender is not None and _may_read_of_coercion(context, value, leaving.sender):
        return _decision(Ruling.REFUSE, Reason.HOLDER_COERCED)
    return _decision(Ruling.HOLD, Reason.DEMAND_HELD)


def _may_read_of_coercion(context: ReleaseContext, value: ReportedValue, sender: Partner) -> bool:
    return any(
        statement.partner.counts_as == sender.counts_as or statement.audience.includes(sender.name, context.registry)
        for statement in value.statements
        if statement.report.holder_status is HolderStatus.COERCED
    )


def _is_delisted(context: ReleaseContext, report: Report) -> bool:
    facts = context.facts
    has = {"has_delisted": facts.has_delisted, "has_erased": facts.has_erased}
    return bool(hub_values.find_delisted(context.tx, [report], **has))


def as_report(of: Subject) -> Report:
    """Return a report of the value, to match it with lists; they ignore its reporter and time."""
    kind = kinds.get(str(of.kind))
    fields = {"kind": kind.name, "value": of.value, "details": dict(of.details), "reporter": _NOBODY}
    try:
        return Report.model_validate({**fields, "reported_at": "2000-01-01T00:00:00Z"})
    except ValueError as error:
        raise Rejected("not-a-value", "of: this value cannot be reported") from error


def _decision(ruling: Ruling, reason: Reason, **details: object) -> GateDecision:
    return GateDecision(ruling, reason.code, reason.text(**details))


# What held a value may have ended; it waits for the operators nevertheless.
HELD_BEFORE = _decision(Ruling.HOLD, Reason.DEMAND_HELD)
