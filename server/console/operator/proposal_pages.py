"""The pages of what takes two persons: one proposed it, another reads exactly that, and confirms or rejects it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from urllib.parse import quote, urlencode

from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from server.console.access import ADMINS, APPROVERS
from server.console.operator.effect_texts import effect_text
from server.console.operator.places import after_of
from server.console.visit import PageRefused, Visit
from server.console.words import Translatable, mark
from server.release import two_persons
from server.release.by_two_persons import admins, contradictions, delistings, held_reports
from server.release.by_two_persons.persons import SamePerson, same_person, same_persons
from server.release.erasure import action as erasure, plan
from server.release.policies.change import RULE_LINE
from server.release.two_person_actions import ACTIONS
from server.release.two_persons import NotAllowed, NotASecondPerson
from server.store.inbox import object_id
from server.store.proposals import proposals
from server.store.proposals.proposals import Proposal, UnknownProposal

_PAGE = 100
# The parts of the list, beside all that waits.
_SHOWN = ("for-me", "own", "ended")
_OF_REVIEWS = frozenset(
    action.name
    for action in (
        *(held_reports.APPROVE, held_reports.APPROVE_HARMLESS, held_reports.APPROVE_COERCED),
        *(delistings.DELIST, contradictions.DECIDE),
    )
)
_NO_PROPOSAL = mark("There is no such proposal.")
_NO_ADMIN = mark("Nobody of this name can become an administrator: it is no name, or somebody’s who is one already.")
_NO_VALUE = mark("This is no value of the kind. Write it as it was reported, a bank account with its bank.")
_NOT_ERASED: Mapping[type[Exception], Translatable] = MappingProxyType(
    {
        erasure.BadReason: mark("Give a reason of 200 characters at most, without the value: it is kept for ever."),
        plan.NothingKnown: mark("Nothing is stored of this value. If a text mentions it, choose its kind."),
    }
)
_NOT_NOW = mark(
    "This cannot be decided so: it is open no more, or you proposed it, and somebody else has to confirm it."
)
_SAME_PERSON: Mapping[SamePerson, Translatable] = MappingProxyType(
    {
        SamePerson.NAME: mark("You proposed this: somebody else has to confirm it."),
        SamePerson.ADDRESS: mark(
            "You and the person who proposed this have the same e-mail address, and count as one person. Somebody else "
            "has to confirm it."
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
_ADMINS_ALONE = mark("Only an administrator confirms that somebody becomes one: the link of the new one is shown then.")


def show_all(visit: Visit) -> Response:
    """Show a page of what waits for a second person, of what one may confirm, of one's own, or of what has ended."""
    given, after = visit.request.args.get("show", ""), after_of(visit)
    show = given if given in _SHOWN else ""
    name, right = visit.known_user.name, visit.right
    with visit.site.hub.store.read() as tx:
        if show == "ended":
            found = proposals.ended_page(tx, most=_PAGE + 1, after=after)
        elif show == "own":
            found = proposals.open_page(tx, most=_PAGE + 1, after=after, by=[name])
        elif show == "for-me":
            same = same_persons(tx, name, visit.site.hub.new_account_days)
            others = [action for action in ACTIONS if right not in _who_confirms(action)]
            found = proposals.open_page(tx, most=_PAGE + 1, after=after, not_by=same, without=others)
        else:
            found = proposals.open_page(tx, most=_PAGE + 1, after=after)
    shown, following = found[:_PAGE], ""
    if len(found) > _PAGE:
        last = shown[-1]
        following = "/console/proposals?" + urlencode({"show": show, "after": f"{last.proposed}.{last.id}"})
    return visit.page("operator/proposals.html", found=shown, show=show, following=following)


def show_one(visit: Visit, id: str) -> Response:
    """Show a proposal as who made it read it."""
    with visit.site.hub.store.read() as tx:
        try:
            found = proposals.find(tx, id)
        except UnknownProposal:
            raise PageRefused(404, _NO_PROPOSAL) from None
        same = None
        if found.state == "open":
            same = same_person(tx, found.proposed_by, visit.known_user.name, visit.site.hub.new_account_days)
    may_confirm = visit.right in _who_confirms(found.action) and same is None
    refusal = _refusal(visit, same) if same is not None else ""
    # Lines of rules are shown as they were written.
    diff = [str(effect.values["line"]) for effect in found.effects if effect.code == RULE_LINE]
    lines = [effect_text(visit.language, effect) for effect in found.effects if effect.code != RULE_LINE]
    return visit.page(
        "operator/proposal.html",
        found=found,
        lines=lines,
        diff=diff,
        links=_links(found),
        refusal=refusal,
        is_own=same is SamePerson.NAME,
        may_confirm=may_confirm,
    )


def _refusal(visit: Visit, same: SamePerson) -> str:
    """Return in the reader's language why it is no second person."""
    return visit.text(_SAME_PERSON[same]) % {"days": visit.site.hub.new_account_days}


def _who_confirms(action: str) -> frozenset[str]:
    """Return the rights of those that may confirm proposals of an action."""
    # Whoever confirms a new administrator is shown the link by which one becomes that.
    return ADMINS if action == admins.MAKE_ADMIN.name else APPROVERS


def _links(found: Proposal) -> list[tuple[str, str]]:
    """Return the pages of what a proposal is about, with their names: reviews, and an objection."""
    given = found.arguments
    if found.action == delistings.CLEAR.name and "id" in given:
        return [(f"/console/objections/{given['id']}", str(given["id"]))]
    if found.action in _OF_REVIEWS and given:
        ids = [str(id_) for id_ in given.get("ids", [given.get("id")])]
        return [(f"/console/review/{quote(id_, safe='')}", object_id(id_)) for id_ in ids[:_PAGE]]
    return []


def confirm(visit: Visit, id: str) -> Response:
    """Carry out what somebody else proposed."""
    hub = visit.site.hub
    with _refusing(visit), hub.store.begin() as tx:
        if visit.right not in _who_confirms(proposals.find(tx, id).action):
            raise PageRefused(403, _ADMINS_ALONE)
        found, done = two_persons.confirm(hub, tx, ACTIONS, id, visit.known_user.name)
    # What is shown once, and stored nowhere, is on the answer itself.
    if any(effect.code == admins.ADMIN_LINK for effect in done):
        lines = [effect_text(visit.language, effect) for effect in done]
        return visit.page("operator/confirmed.html", found=found, lines=lines)
    return visit.go(f"/console/proposals/{id}")


def reject(visit: Visit, id: str) -> Response:
    """Reject a proposal, also one's own."""
    with _refusing(visit), visit.site.hub.store.begin() as tx:
        two_persons.reject(tx, id, visit.known_user.name)
    return visit.go(f"/console/proposals/{id}")


def withdraw(visit: Visit, id: str) -> Response:
    """Withdraw one's own proposal."""
    with _refusing(visit), visit.site.hub.store.begin() as tx:
        two_persons.withdraw(tx, id, visit.known_user.name)
    return visit.go(f"/console/proposals/{id}")


def erase(visit: Visit) -> Response:
    """Show the form of an erasure, or propose one; the value is in no address."""
    if visit.request.method == "GET":
        return visit.page("operator/erase.html", kinds=sorted(kinds.every()), problem="")
    hub, by = visit.site.hub, visit.known_user.name
    kind = visit.field("kind", 100)
    try:
        with hub.store.begin() as tx:
            given = erasure.arguments(tx, visit.field("value"), kind or None, visit.field("reason", 300))
            made = two_persons.propose(hub, tx, erasure.ACTION, given, by)
    except (ValueError, LookupError, Rejected) as refused:
        problem = next((text for type_, text in _NOT_ERASED.items() if isinstance(refused, type_)), _NO_VALUE)
        return visit.page("operator/erase.html", 422, kinds=sorted(kinds.every()), problem=problem)
    return visit.go(f"/console/proposals/{made.id}")


def propose_admin(visit: Visit) -> Response:
    """Propose that somebody becomes an administrator."""
    hub = visit.site.hub
    with _refusing(visit, _NO_ADMIN), hub.store.begin() as tx:
        arguments = admins.arguments(visit.field("name", 100))
        made = two_persons.propose(hub, tx, admins.MAKE_ADMIN, arguments, visit.known_user.name)
    return visit.go(f"/console/proposals/{made.id}")


@contextmanager
def _refusing(visit: Visit, text: str = "") -> Iterator[None]:
    """Turn what two persons may not do into a page that says so."""
    try:
        yield
    except UnknownProposal:
        raise PageRefused(404, _NO_PROPOSAL) from None
    except NotASecondPerson as refused:
        raise PageRefused(409, _refusal(visit, refused.same)) from None
    except plan.StillAsked:
        raise PageRefused(409, _ASKED_STILL) from None
    except (NotAllowed, ValueError, LookupError, Rejected):
        raise PageRefused(409, text or _NOT_NOW) from None
