"""The pages of incidents, the same for operators and for a partner with its own reports."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, get_args

from flask import Response
from pydantic import ValidationError

from schemas import kinds
from schemas.errors import Rejected
from server.features.incidents import carrying_out, records
from server.features.incidents.operations import (
    LONGEST_REASON,
    ConfirmIncident,
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    RejectIncident,
    ResumeIncident,
    SelectReports,
    of_actor,
)
from server.features.incidents.records import Decision, Incident, UnknownIncident
from server.features.incidents.selection import MOST_VALUES, UNREAD, Chosen
from server.features.incidents.views import view
from server.operations.dual_control import NotAllowed, NotASecondPerson
from server.operations.operation import Operation
from server.operations.run import run
from server.release.guard.volume import HELD_BY_PERSONS, NEW_PARTNER
from server.release.hold import RELEASED_AS_GROUP
from server.store import reviews
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.proposals.proposals import Proposal
from server.web.shell.forms import Refusals, submit
from server.web.shell.hub_texts import refusal_text
from server.web.shell.lists import asked, moment_and_id, page_of
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PAGE, _REPORTS, _SAMPLE = 50, 100, 10
_LONGEST_FILE = 2_000_000
_NONE = mark("There is no such incident.")
_OWN = mark("You proposed this. Somebody else of your organisation, or an operator of this hub, has to confirm it.")
_NOT_PROPOSED = mark("This decision is no longer proposed. Look at the incident again.")
_NO_DECISION = mark("Choose what happens to the reports.")
_NO_TEXT = mark("The file is no text in UTF-8, or is larger than 2 MB. Save it as text with one value a line.")
_NO_MOMENT = mark("The beginning or the end is no day and time.")
_PLACES = mark("Places in the list: %(places)s")
_FIELDS = ("partner", "since", "until", "file", "reference", "values", "search", "kind", "held", "reason")
# The sentences of the decisions, and of the reports left out.
DECISIONS: Mapping[str, tuple[Translatable, Translatable]] = MappingProxyType(
    {
        "hold": (mark("Hold"), mark("The reports do not count until they are released. You can undo this.")),
        "release": (mark("Release"), mark("Held reports count again, and their values are listed again.")),
        "retract": (mark("Retract"), mark("The reports are withdrawn for good. This cannot be undone.")),
    }
)
DONE: Mapping[str, Translatable] = MappingProxyType(
    {"hold": mark("Reports held"), "release": mark("Reports released"), "retract": mark("Reports retracted")}
)
LEFT_OUT: Mapping[str, Translatable] = MappingProxyType(
    {
        carrying_out.ERASED: mark("erased since"),
        carrying_out.RETRACTED: mark("retracted since"),
        carrying_out.OTHER_VALUE: mark("about another value now"),
        carrying_out.HELD_BEFORE: mark("held already"),
        carrying_out.NOT_HELD: mark("not held, or held by a rule that needs its own review"),
    }
)
STATES: Mapping[str, tuple[str, Translatable]] = MappingProxyType(
    {
        "selecting": ("ill", mark("Interrupted: discard it")),
        "ready": ("", mark("No decision yet")),
        "proposed": ("care", mark("Waits for a second person")),
        "running": ("care", mark("Being carried out")),
        "paused": ("care", mark("Paused")),
        "done": ("well", mark("Carried out")),
    }
)
_REFUSALS: Refusals = {
    UnknownIncident: (404, _NONE),
    NotASecondPerson: (409, _OWN),
    NotAllowed: (409, _NOT_PROPOSED),
    LookupError: (404, _NONE),
}


def base_of(visit: Visit) -> str:
    """Return the address of the list: an operator's, or a partner's own."""
    return "/console/incidents" if visit.known_user.partner is None else "/partner/incidents"


def _page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    is_partners = visit.known_user.partner is not None
    frame = "partner/partner.html" if is_partners else "operator/console.html"
    shared = {"frame": frame, "base": base_of(visit), "is_partners": is_partners}
    words = {"states": STATES, "decisions": DECISIONS, "done_words": DONE, "left_out": LEFT_OUT}
    return visit.page(f"operator/{template}", status, **{**shared, **words, **values})


def show_all(visit: Visit) -> Response:
    """Show a page of incidents, the newest first; to operators also the groups that wait for a decision."""
    partner = visit.known_user.partner
    with visit.site.hub.store.read() as tx:
        found = records.all_incidents(tx, owner=partner, limit=_PAGE + 1, after=moment_and_id(visit))
        shown, following = page_of(visit, found, _PAGE, lambda last: (last.made, last.id))
        rows = [view(tx, one, partner) for one in shown]
        groups = reviews.count_by_partner(tx, NEW_PARTNER) if partner is None else {}
        by_hub = records.decided_about(tx, partner, _PAGE) if partner is not None else []
    return _page(visit, "incidents.html", rows=rows, groups=groups, by_hub=by_hub, following=following)


def select(visit: Visit) -> Response:
    """Show the form of a selection, or select; the form keeps its content where it is refused."""
    if visit.request.method == "GET":
        given = dict.fromkeys(_FIELDS, "") | {name: asked(visit, name) for name in ("partner", "held", "file")}
        return _form(visit, given)
    given = {name: visit.field(name, 500_000 if name == "values" else 500) for name in _FIELDS}
    try:
        chosen = _chosen(visit, given)
        operation = SelectReports.read(visit.site.hub, visit.actor, chosen, given["reason"])
        made: Incident = run(visit.site.hub, operation, visit.actor)
    except Rejected as refusal:
        problem = refusal_text(visit.language, refusal.reason, refusal.message)
        if places := UNREAD.search(refusal.message):
            problem = f"{problem} {visit.text(_PLACES) % {'places': places[1]}}"
        return _form(visit, given, problem, 422)
    except PageRefused as refusal:
        return _form(visit, given, visit.text(refusal.text), refusal.status)
    return visit.go(f"{base_of(visit)}/{made.id}")


def _form(visit: Visit, given: Mapping[str, str], problem: str = "", status: int = 200) -> Response:
    rules = sorted(RELEASED_AS_GROUP if visit.known_user.partner is None else HELD_BY_PERSONS)
    return _page(
        visit,
        "incident_new.html",
        status,
        given=given,
        problem=problem,
        kinds=sorted(kinds.every()),
        rules=rules,
        most=MOST_VALUES,
        longest=LONGEST_REASON,
    )


def _chosen(visit: Visit, given: Mapping[str, str]) -> Chosen:
    """Return the conditions of the form. Raises ``PageRefused``."""
    lines = [*given["values"].splitlines(), *_uploaded(visit)]
    texts = {name: given[name] or None for name in ("partner", "file", "reference", "search", "kind", "held")}
    values = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    return Chosen(**texts, values=values, since=_moment(visit, given["since"]), until=_moment(visit, given["until"]))


def _uploaded(visit: Visit) -> list[str]:
    """Return the lines of the file that was sent with the form. Raises ``PageRefused``."""
    file = visit.request.files.get("list")
    if file is None or not file.filename:
        return []
    content = file.stream.read(_LONGEST_FILE + 1)
    try:
        if len(content) > _LONGEST_FILE or b"\x00" in content:
            raise ValueError
        return content.decode("utf-8-sig").splitlines()
    except ValueError:
        raise PageRefused(422, _NO_TEXT) from None


def _moment(visit: Visit, text: str) -> int | None:
    """Return a moment of a form, in the time zone of the hub, in microseconds. Raises ``PageRefused``."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return micros((at if at.tzinfo else at.replace(tzinfo=visit.language.zone)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise PageRefused(422, _NO_MOMENT) from None


def show(visit: Visit, id: str) -> Response:
    """Show an incident: its content, its decisions and their progress, the receipts, and a sample of the reports."""
    return _show(visit, id)


def _show(visit: Visit, id_: str, problem: str = "", status: int = 200) -> Response:
    with visit.site.hub.store.read() as tx:
        found = _find(visit, tx, id_)
        shown = view(tx, found, visit.known_user.partner)
        sample = records.sample(tx, found, _SAMPLE)
    return _page(
        visit,
        "incident.html",
        status,
        shown=shown,
        incident=found,
        sample=sample,
        problem=problem,
        is_own=shown.proposal is not None and shown.proposal.proposed_by == visit.known_user.name,
    )


def _find(visit: Visit, tx: Tx, id_: str) -> Incident:
    try:
        return of_actor(tx, id_, visit.actor)
    except UnknownIncident:
        raise PageRefused(404, _NONE) from None


def show_reports(visit: Visit, id: str) -> Response:
    """Show a page of the selected reports, or of those that the last decision left out."""
    after, only = asked(visit, "after"), asked(visit, "only") == "left-out"
    place = int(after) if after.isascii() and after.isdecimal() and len(after) < 10 else 0
    with visit.site.hub.store.read() as tx:
        found = _find(visit, tx, id)
        rows = records.reports_after(tx, found.id, place, _REPORTS + 1, left_out=only)
    shown, following = page_of(
        visit, rows, _REPORTS, lambda last: (last.place,), **({"only": "left-out"} if only else {})
    )
    return _page(visit, "incident_reports.html", incident=found, rows=shown, following=following, only=only)


def decide(visit: Visit, id: str) -> Response:
    """Propose the chosen decision: somebody else confirms it."""
    decision = visit.field("decision", 20)
    if decision not in get_args(Decision):
        return _show(visit, id, _NO_DECISION, 422)
    try:
        operation = DecideIncident.model_validate({"id": id, "decision": decision, "digest": visit.field("digest", 64)})
        done = submit(visit, operation, _REFUSALS)
    except (Rejected, ValidationError) as refusal:
        given = refusal if isinstance(refusal, Rejected) else Rejected("incident-changed", "")
        return _show(visit, id, refusal_text(visit.language, given.reason, given.message), 409)
    if isinstance(done, Proposal) and visit.known_user.partner is None:
        return visit.go(f"/console/proposals/{done.id}")
    return visit.go(f"{base_of(visit)}/{id}")


def pause(visit: Visit, id: str) -> Response:
    """Pause the decision that is being carried out."""
    return _act(visit, id, PauseIncident(id=id), f"/{id}")


def resume(visit: Visit, id: str) -> Response:
    """Let a paused decision go on."""
    return _act(visit, id, ResumeIncident(id=id), f"/{id}")


def discard(visit: Visit, id: str) -> Response:
    """Discard a selection without a decision."""
    return _act(visit, id, DiscardIncident(id=id), "")


def confirm(visit: Visit, id: str) -> Response:
    """Confirm the proposed decision, as the second person of the organisation."""
    return _act(visit, id, ConfirmIncident(id=id, proposal=visit.field("proposal", 32)), f"/{id}")


def reject(visit: Visit, id: str) -> Response:
    """Reject or withdraw the proposed decision."""
    return _act(visit, id, RejectIncident(id=id, proposal=visit.field("proposal", 32)), f"/{id}")


def _act(visit: Visit, id: str, operation: Operation[Any], following: str) -> Response:
    """Run an operation on an incident, and go on; the page of the incident shows why it is refused."""
    try:
        submit(visit, operation, _REFUSALS)
    except Rejected as refusal:
        return _show(visit, id, refusal_text(visit.language, refusal.reason, refusal.message), 409)
    return visit.go(base_of(visit) + following)
