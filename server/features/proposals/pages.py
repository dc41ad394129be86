"""The pages of proposals: one person proposed it, another reads exactly that, and confirms or rejects it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from urllib.parse import quote

from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from server.features.erasures import action as erasure, plan
from server.features.erasures.operations import ProposeErasure
from server.features.incidents import action as incidents
from server.features.partners.access import changes as partner_access
from server.features.partners.membership import Joined
from server.features.partners.sheets import joined_page
from server.features.people import admins
from server.features.policies.change import RULE_LINE
from server.features.proposals.effect_texts import effect_text
from server.features.proposals.operations import (
    ConfirmProposal,
    NeedsAdmin,
    RejectProposal,
    WithdrawProposal,
    rights_to_confirm,
)
from server.features.reports import delistings
from server.features.reviews import contradictions, held_reports
from server.operations import dual_control, registry
from server.operations.dual_control import NotAllowed, NotASecondPerson
from server.operations.rights import VIEWERS
from server.operations.run import run
from server.release import review as reviewing
from server.release.hub import Hub
from server.release.persons import SamePerson, same_persons
from server.store import partners, reviews
from server.store.credentials import Credentials
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect, Proposal, UnknownProposal
from server.web.shell.lists import asked, moment_and_id, page_of
from server.web.shell.routes import BOTH, FORM, WORK, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PAGE = 100
# The parts of the list, besides all open proposals.
_SHOWN = ("for-me", "own", "ended")
_OF_REVIEWS = frozenset(
    action.name
    for action in (
        *(held_reports.APPROVE, held_reports.APPROVE_HARMLESS, held_reports.APPROVE_COERCED),
        *(delistings.DELIST, contradictions.DECIDE),
    )
)
_NO_PROPOSAL = mark("There is no such proposal.")
_NO_VALUE = mark("This is no value of the kind. Write it as it was reported, a bank account with its bank.")
_NOT_ERASED: Mapping[type[Exception], Translatable] = MappingProxyType(
    {
        erasure.BadReason: mark("Give a reason of 200 characters at most, without the value: it is kept for ever."),
        plan.NothingKnown: mark("Nothing is stored of this value. If a text mentions it, choose its kind."),
    }
)
_NOT_NOW = mark(
    "You cannot decide this: it is no longer open, or you proposed it, and another person has to confirm it."
)
_SAME_PERSON: Mapping[SamePerson, Translatable] = MappingProxyType(
    {
        SamePerson.NAME: mark("You proposed this: somebody else has to confirm it."),
        SamePerson.ADDRESS: mark(
            "You and the person who proposed this have the same e-mail address, and count as one person. Somebody else "
            "has to confirm it."
        ),
        SamePerson.LOGIN: mark(
            "You and the person who proposed this have the same login at your organisation, and count as one person. "
            "Somebody else has to confirm it."
        ),
        SamePerson.UNKNOWN: mark(
            "You may be the person who proposed this: one of the two accounts logs in at an organisation, and one has "
            "no e-mail address here. Somebody else has to confirm it, or the address is entered: scamfeed operator "
            "email."
        ),
        SamePerson.NEW: mark(
            "In the last %(days)s days one of the two accounts was added or confirmed by the other, or both by the "
            "same person. Until then they count as one person, and somebody else has to confirm this."
        ),
    }
)
_ASKED_STILL = mark(
    "A request between institutions about it is open. Confirm this after the time that the proposal names."
)
_ADMINS_ALONE = mark("Only an administrator confirms this: a link or credentials are shown then, this once.")


def show_all(visit: Visit) -> Response:
    """Show a page of proposals: all open ones, those that the person may confirm, the person's own, or ended ones."""
    show, after = asked(visit, "show"), moment_and_id(visit)
    show = show if show in _SHOWN else ""
    name, right = visit.known_user.name, visit.right
    with visit.site.hub.store.read() as tx:
        if show == "ended":
            found = proposals.ended_page(tx, most=_PAGE + 1, after=after)
        elif show == "own":
            found = proposals.open_page(tx, most=_PAGE + 1, after=after, by=[name])
        elif show == "for-me":
            same = same_persons(tx, name, visit.site.hub.new_account_days)
            others = [action for action in registry.actions() if right not in rights_to_confirm(action)]
            found = proposals.open_page(tx, most=_PAGE + 1, after=after, not_by=same, without=others)
        else:
            found = proposals.open_page(tx, most=_PAGE + 1, after=after)
    shown, following = page_of(visit, found, _PAGE, lambda last: (last.proposed, last.id), show=show)
    return visit.page("operator/proposals.html", found=shown, show=show, following=following)


def show_one(visit: Visit, id: str) -> Response:
    """Show a proposal as its proposer read it."""
    with visit.site.hub.store.read() as tx:
        try:
            found = proposals.find(tx, id)
        except UnknownProposal:
            raise PageRefused(404, _NO_PROPOSAL) from None
        same = None
        if found.state == "open":
            same = dual_control.who_confirms(visit.site.hub, tx, found, visit.known_user.name)
        links = _links(visit.site.hub, tx, found)
    may_confirm = visit.right in rights_to_confirm(found.action) and same is None
    refusal = _refusal(visit, same) if same is not None else ""
    # Lines of a policy are shown as they were written.
    diff = [str(effect.values["line"]) for effect in found.effects if effect.code == RULE_LINE]
    # The links name reviews by their values, unless there are more than links.
    apart = {RULE_LINE, *(["review"] if found.action in _OF_REVIEWS and 0 < len(links) < _PAGE else [])}
    lines = [effect_text(visit.language, effect) for effect in found.effects if effect.code not in apart]
    return visit.page(
        "operator/proposal.html",
        found=found,
        lines=lines,
        diff=diff,
        links=links,
        refusal=refusal,
        is_own=same is SamePerson.NAME,
        may_confirm=may_confirm,
    )


def _refusal(visit: Visit, same: SamePerson) -> str:
    """Return the reason why the reader is no second person, in the reader's language."""
    return visit.text(_SAME_PERSON[same]) % {"days": visit.site.hub.new_account_days}


def _links(hub: Hub, tx: Tx, found: Proposal) -> list[tuple[str, str]]:
    """Return the pages of the reviews or the objection of a proposal, with their names."""
    given = found.arguments
    if found.action == incidents.DECIDE.name:
        return [(f"/console/incidents/{given['incident']}", str(given["incident"]))]
    if found.action == delistings.CLEAR.name and "id" in given:
        return [(f"/console/objections/{given['id']}", str(given["id"]))]
    if found.action in _OF_REVIEWS and given:
        ids = [str(id_) for id_ in given.get("ids", [given.get("id")])][:_PAGE]
        known = reviewing.summaries(hub, tx, list(reviews.states(tx, ids).values()))
        names = {summary.review.object_id: summary.value for summary in known}
        return [(f"/console/review/{quote(id_, safe='')}", names.get(id_) or object_id(id_)) for id_ in ids]
    return []


def confirm(visit: Visit, id: str) -> Response:
    """Carry out another person's proposal."""
    hub = visit.site.hub
    with _refusing(visit):
        found, done = run(hub, ConfirmProposal(id=id), visit.actor)
    with hub.store.read() as tx:
        joined = _joined(tx, done)
    # Secrets are not stored: they are shown once, on this answer.
    if joined is not None:
        return joined_page(visit, joined)
    if any(effect.code in (admins.ADMIN_LINK, partner_access.USER_LINK) for effect in done):
        lines = [effect_text(visit.language, effect) for effect in done]
        return visit.page("operator/confirmed.html", found=found, lines=lines)
    return visit.go(f"/console/proposals/{id}")


def _joined(tx: Tx, done: Sequence[Effect]) -> Joined | None:
    """Return the partner with its new credentials; None if none were issued."""
    for effect in done:
        if effect.code == partner_access.NEW_CREDENTIALS:
            partner = partners.get(tx, str(effect.values["partner"]))
            made = Credentials(*(str(effect.values[name]) for name in ("user", "password", "token")))
            return Joined(partner, made)
    return None


def reject(visit: Visit, id: str) -> Response:
    """Reject a proposal, also one's own."""
    with _refusing(visit):
        run(visit.site.hub, RejectProposal(id=id), visit.actor)
    return visit.go(f"/console/proposals/{id}")


def withdraw(visit: Visit, id: str) -> Response:
    """Withdraw one's own proposal."""
    with _refusing(visit):
        run(visit.site.hub, WithdrawProposal(id=id), visit.actor)
    return visit.go(f"/console/proposals/{id}")


def erase(visit: Visit) -> Response:
    """Show the form of an erasure, or propose one; the value is in no address."""
    if visit.request.method == "GET":
        return visit.page("operator/erase.html", kinds=sorted(kinds.every()), problem="")
    kind, reason = visit.field("kind", 100) or None, visit.field("reason", 300)
    operation = ProposeErasure(value=visit.field("value"), kind=kind, reason=reason)
    try:
        made = run(visit.site.hub, operation, visit.actor)
    except (ValueError, LookupError, Rejected) as refused:
        problem = next((text for type_, text in _NOT_ERASED.items() if isinstance(refused, type_)), _NO_VALUE)
        return visit.page("operator/erase.html", 422, kinds=sorted(kinds.every()), problem=problem)
    return visit.go(f"/console/proposals/{made.id}")


@contextmanager
def _refusing(visit: Visit) -> Iterator[None]:
    """Show a page with the reason where dual control refuses the act."""
    try:
        yield
    except UnknownProposal:
        raise PageRefused(404, _NO_PROPOSAL) from None
    except NotASecondPerson as refused:
        raise PageRefused(409, _refusal(visit, refused.same)) from None
    except NeedsAdmin:
        raise PageRefused(403, _ADMINS_ALONE) from None
    except plan.StillAsked:
        raise PageRefused(409, _ASKED_STILL) from None
    except (NotAllowed, ValueError, LookupError, Rejected):
        raise PageRefused(409, _NOT_NOW) from None


ROUTES = (
    Route("/console/proposals", VIEWERS, show_all, tab=Tab(WORK, 7, mark("Approvals"), also=("/console/erase",))),
    Route("/console/erase", may_run(ProposeErasure), erase, methods=BOTH, is_fresh=True),
    Route("/console/proposals/<id>", VIEWERS, show_one),
    Route("/console/proposals/<id>/confirm", may_run(ConfirmProposal), confirm, methods=FORM, is_fresh=True),
    Route("/console/proposals/<id>/reject", may_run(RejectProposal), reject, methods=FORM),
    Route("/console/proposals/<id>/withdraw", may_run(WithdrawProposal), withdraw, methods=FORM),
)
