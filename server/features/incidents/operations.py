"""Select the reports of an incident, decide on all of them, and pause, resume or discard that."""

import secrets
from collections.abc import Iterable
from typing import ClassVar, Self

from pydantic import Field, SkipValidation

from schemas.errors import Rejected
from server.features.incidents import action, carrying_out, records
from server.features.incidents.records import Decision, Incident, IncidentDecision
from server.features.incidents.selection import Chosen, select_reports
from server.features.incidents.summary import SummarisedSelection, summarise
from server.operations import dual_control
from server.operations.dual_control import Confirmation, DualControlAction, NotAllowed, NotASecondPerson
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, Result, TrailEntry
from server.operations.rights import ANALYSTS, PARTNER_WRITERS, PROGRAMS, SYSTEM
from server.operations.run import NotPermitted
from server.release.hub import Hub
from server.release.persons import MESSAGES, SamePerson, is_one_person
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.proposals import Proposal

# Incidents without a decision that a partner, or all operators together, may have.
MOST_UNDECIDED = 50
LONGEST_REASON = 500
# Selected reports stored in one transaction.
_AT_ONCE = 2_000
_OPERATORS_AND_PARTNERS = ANALYSTS | PARTNER_WRITERS | PROGRAMS
_ID = Field(description="the id of the incident")


def of_actor(tx: Tx, id_: str, actor: Actor) -> Incident:
    """Return an incident that the actor may decide on: a partner only its own. Raises ``UnknownIncident``."""
    return records.find(tx, id_, actor.partner)


def _refuse_many(tx: Tx, owner: str | None) -> None:
    """Refuse a selection of somebody with many undecided ones. Raises ``Rejected``."""
    if records.count_undecided(tx, owner) >= MOST_UNDECIDED:
        raise Rejected(
            "too-many-incidents", f"{MOST_UNDECIDED} incidents have no decision: decide or discard one of them first"
        )


class SelectReports(Operation[Incident]):
    """Select reports for one decision: exactly these, and none that arrive later."""

    name: ClassVar[str] = "incident select"
    rights: ClassVar[frozenset[str]] = _OPERATORS_AND_PARTNERS
    verb: ClassVar[str] = "SELECT"
    what: ClassVar[str] = "incident"
    texts: ClassVar[tuple[str, ...]] = ("reason",)

    id: str = Field(description="the id of the new incident")
    chosen: Chosen = Field(description="the conditions that all selected reports meet")
    found: SkipValidation[SummarisedSelection] = Field(description="the reports, read before the transaction")
    reason: str = Field(description="what went wrong, for the second person; without personal data")
    owner: str | None = Field(None, description="the partner that selects its own reports")

    @classmethod
    def read(cls, hub: Hub, actor: Actor, chosen: Chosen, reason: str) -> Self:
        """Return the operation with the reports that meet the conditions; a partner's are its own.

        Raises ``Rejected``, and ``NotPermitted`` for another partner's reports.
        """
        if actor.partner is not None:
            if chosen.partner not in (None, actor.partner):
                raise NotPermitted(f"{actor.name} selects reports of {actor.partner} only")
            chosen = chosen.model_copy(update={"partner": actor.partner})
        reason = " ".join(reason.split())
        if not 0 < len(reason) <= LONGEST_REASON:
            raise Rejected("no-reason", f"reason: write what went wrong, in {LONGEST_REASON} characters at most")
        with hub.store.read() as tx:
            _refuse_many(tx, actor.partner)
            selection = select_reports(hub, tx, chosen, is_partners=actor.partner is not None)
            found = summarise(tx, selection, actor.partner)
        return cls(id=secrets.token_hex(5), chosen=chosen, found=found, reason=reason, owner=actor.partner)

    def acts_for(self) -> str | None:
        """Return the partner that selects its own reports."""
        return self.owner

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Incident:
        """Store the incident with its first reports. Raises ``Rejected`` if too many wait for a decision."""
        if actor.partner not in (None, self.owner):
            raise NotPermitted(f"{actor.name} selects reports of {actor.partner} only")
        if records.is_known(tx, self.id):
            raise Rejected("incident-selected", "this selection is stored already: look at its incident")
        _refuse_many(tx, self.owner)
        reports = self.found.reports
        made = Incident(
            self.id,
            self.owner,
            actor.name,
            now(),
            self.reason,
            self.chosen.written(),
            "ready" if len(reports) <= _AT_ONCE else "selecting",
            len(reports),
            self.found.digest,
            self.found.summary,
        )
        records.add(tx, made, self.found.partners)
        records.add_reports(tx, self.id, 1, reports[:_AT_ONCE])
        return made

    def entries(self, result: Incident) -> Iterable[TrailEntry]:
        """Return one entry with the number of selected reports."""
        return [TrailEntry(self.verb, self.what, self.owner, reference=f"incident {self.id}", objects=result.reports)]

    def finish(self, hub: Hub) -> None:
        """Store the other reports, in transactions between which others write."""
        reports = self.found.reports
        for start in range(_AT_ONCE, len(reports), _AT_ONCE):
            with hub.store.begin(in_passing=True) as tx:
                records.add_reports(tx, self.id, start + 1, reports[start : start + _AT_ONCE])
        if len(reports) > _AT_ONCE:
            with hub.store.begin(in_passing=True) as tx:
                records.set_ready(tx, self.id)


class DecideIncident(DualControlOperation[IncidentDecision]):
    """Hold, release or retract all reports of an incident: one person proposes it, another confirms it."""

    name: ClassVar[str] = "incident decide"
    rights: ClassVar[frozenset[str]] = _OPERATORS_AND_PARTNERS
    verb: ClassVar[str] = "DECIDE"
    what: ClassVar[str] = "incident"
    dual_control: ClassVar[str] = "always"
    actions: ClassVar[tuple[DualControlAction, ...]] = (action.DECIDE,)

    id: str = _ID
    decision: Decision = Field(description="hold, release or retract")
    digest: str | None = Field(None, description="the digest of the selection that the person was shown")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person: of the partner for its own reports, or an operator."""
        found = self._found(tx, actor)
        return Proposed(action.DECIDE, action.arguments_of(found.id, self.decision), found.reason)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> IncidentDecision:
        """Begin to carry it out."""
        found = self._found(tx, actor)
        return carrying_out.begin(hub, tx, found.id, self.decision, None, actor.name)

    def entries(self, result: IncidentDecision) -> Iterable[TrailEntry]:
        """Return the entry of the decision; its end has another."""
        return [TrailEntry(self.verb, self.what, reference=f"incident {self.id}")]

    def _found(self, tx: Tx, actor: Actor) -> Incident:
        found = of_actor(tx, self.id, actor)
        if self.digest not in (None, found.digest.hex()):
            raise Rejected("incident-changed", "the selection is not the one that was shown: look at it again")
        action.refuse_unready(tx, found, self.decision)
        return found


class _OnProposal(Operation[Result]):
    """An act on the proposed decision on an incident of the organisation: exactly the proposal that was shown."""

    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    what: ClassVar[str] = "proposal"

    id: str = _ID
    proposal: str = Field(description="the id of the proposal that the person was shown")

    def entries(self, result: Result) -> Iterable[TrailEntry]:
        """Return none: the end of a proposal has its own entry."""
        return ()

    def _shown(self, tx: Tx, actor: Actor) -> Proposal:
        """Return the proposal. Raises ``UnknownIncident``, and ``NotAllowed`` if it is not the latest open one."""
        found = action.open_proposal(tx, of_actor(tx, self.id, actor).id)
        if found is None or found.id != self.proposal:
            raise NotAllowed(f"this decision on the incident {self.id} is no longer proposed; look at it again")
        return found


class ConfirmIncident(_OnProposal[Confirmation]):
    """Confirm, as the second person of the organisation, the proposed decision on its incident."""

    name: ClassVar[str] = "incident confirm"
    verb: ClassVar[str] = "CONFIRM"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Confirmation:
        """Begin to carry it out. Raises ``UnknownIncident``, and ``NotAllowed`` for the person who proposed it."""
        shown = self._shown(tx, actor)
        # Dual control knows more about operators only: of users with a partner it compares the names.
        if actor.right != SYSTEM and is_one_person(tx, shown.proposed_by, actor.name):
            raise NotASecondPerson(MESSAGES[SamePerson.NAME].format(first=shown.proposed_by), SamePerson.NAME)
        return dual_control.confirm(hub, tx, {action.DECIDE.name: action.DECIDE}, shown.id, actor.name)


class RejectIncident(_OnProposal[Proposal]):
    """Reject or withdraw the proposed decision on an incident of the organisation: it is not carried out."""

    name: ClassVar[str] = "incident reject"
    verb: ClassVar[str] = "REJECT"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Proposal:
        """Reject it. Raises ``UnknownIncident`` and ``NotAllowed``."""
        return dual_control.reject(hub, tx, self._shown(tx, actor).id, actor.name)


class _OnDecision(Operation[Incident]):
    """An act on an incident that changes no report."""

    rights: ClassVar[frozenset[str]] = _OPERATORS_AND_PARTNERS
    what: ClassVar[str] = "incident"

    id: str = _ID

    def entries(self, result: Incident) -> Iterable[TrailEntry]:
        """Return one entry."""
        return [TrailEntry(self.verb, self.what, result.owner, reference=f"incident {self.id}", objects=0)]

    def _set_paused(self, tx: Tx, actor: Actor, *, paused: bool) -> Incident:
        found = of_actor(tx, self.id, actor)
        past = records.decisions_of(tx, [found.id]).get(found.id, [])
        if not past or not carrying_out.set_paused(tx, past[-1], paused=paused):
            state = "running" if paused else "paused"
            raise Rejected("incident-not-running", f"no decision on this incident is {state}; look at its page again")
        return found


class PauseIncident(_OnDecision):
    """Pause the decision that is being carried out; what is done stays done."""

    name: ClassVar[str] = "incident pause"
    verb: ClassVar[str] = "PAUSE"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Incident:
        """Pause it. Raises ``UnknownIncident``, and ``Rejected`` if nothing runs."""
        return self._set_paused(tx, actor, paused=True)


class ResumeIncident(_OnDecision):
    """Continue a paused decision where it stopped."""

    name: ClassVar[str] = "incident resume"
    verb: ClassVar[str] = "RESUME"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Incident:
        """Let it go on. Raises ``UnknownIncident``, and ``Rejected`` if nothing is paused."""
        return self._set_paused(tx, actor, paused=False)


class DiscardIncident(_OnDecision):
    """Discard a selection without a decision; its reports stay as they are."""

    name: ClassVar[str] = "incident discard"
    verb: ClassVar[str] = "DISCARD"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Incident:
        """Remove the selection. Raises ``UnknownIncident``, and ``Rejected`` after a decision."""
        found = of_actor(tx, self.id, actor)
        if records.decisions_of(tx, [found.id]):
            raise Rejected("incident-kept", "an incident with a decision is kept, as proof of it")
        records.remove(tx, found.id)
        return found
