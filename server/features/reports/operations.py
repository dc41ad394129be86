"""Contribute reports, and retract them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from pydantic import Field, SkipValidation

from schemas.errors import Rejected
from schemas.partner import Partner
from server.features.reports.delistings import RETRACT, readership, reporting_hubs, witnesses
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ANALYSTS, PARTNER_WRITERS, PROGRAMS
from server.operations.run import Check, run
from server.release import batches
from server.release.contribute import prepare_all, record_contribution, take_all
from server.release.hub import Hub
from server.release.query import lookup
from server.release.results import Result, Results, Unpublished
from server.release.retract import RETRACTED, Retracted, retract_all, subjects_meant
from server.release.submission import Prepared
from server.store.database.engine import Tx
from server.store.item import Item


class RetractionResult(NamedTuple):
    """The retracted reports, the reports whose end waits for a review, and the values that police hold."""

    retracted: list[Retracted]
    waiting: list[Retracted]
    set_aside: list[str]


class Contribute(Operation[Results]):
    """Contribute a batch of objects in the name of a partner; a bad object stops no other."""

    name: ClassVar[str] = "contribute"
    rights: ClassVar[frozenset[str]] = PROGRAMS | PARTNER_WRITERS
    verb: ClassVar[str] = "CONTRIBUTE"
    what: ClassVar[str] = "objects"

    partner: Partner = Field(description="the partner in whose name the objects are contributed")
    parts: SkipValidation[Sequence[Prepared]] = Field(description="the objects, parsed before the transaction")

    def acts_for(self) -> str | None:
        """Return the partner in whose name the objects are contributed."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Results:
        """Store the objects in the inbox, and release them."""
        results = take_all(hub, tx, self.partner, self.parts, sender=actor.sender)
        if size := sum(part.size for part in self.parts):
            record_contribution(tx, actor.name, self.verb, self.partner, size)
        return results

    def entries(self, result: Results) -> Iterable[TrailEntry]:
        """Return none: the entry of a contribution is in the chain of the inbox."""
        return ()


def contribute_in_parts(
    hub: Hub,
    partner: Partner,
    items: Sequence[Item],
    actor: Actor,
    *,
    most: int,
    checks: tuple[Check | None, Check | None] = (None, None),
) -> dict[str, tuple[Result, Unpublished]]:
    """Contribute objects in parts of at most ``most``, each in a transaction of its own; others can write in between.

    Return the results of the unpublished objects, by id. ``checks`` are those of the first part, which runs even if
    there are no objects, and of the others.
    """
    unpublished: dict[str, tuple[Result, Unpublished]] = {}
    check, of_others = checks
    while True:
        size = batches.at_once(hub.store, most)
        # Reading takes time, so it is done before the transaction makes others wait.
        operation = Contribute(partner=partner, parts=list(prepare_all(hub, items[:size])))
        unpublished |= run(hub, operation, actor, check=check).unpublished()
        items, check = items[size:], of_others
        if not items:
            return unpublished


class RetractReports(DualControlOperation[RetractionResult]):
    """Retract the reports of values, and delist the values that no other partner reports."""

    name: ClassVar[str] = "retract"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "RETRACT"
    what: ClassVar[str] = "report"
    texts: ClassVar[tuple[str, ...]] = ("reason",)
    dual_control: ClassVar[str] = (
        "where all reports of a value count as wrong, and the value is public or more partners read it than the "
        "setting two_persons_readers allows"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (RETRACT,)

    values: tuple[str, ...] = Field(description="values in any spelling, or ids of reports or listings")
    partner: Partner | None = Field(None, description="only this partner's reports; else all reports count as wrong")
    reason: str = Field(RETRACTED, description="the reason, for the audit trail and the receipts")
    # Of several values those that police hold are set aside; one value alone is retracted.
    sets_aside: bool = False
    # The number of organisations that the person was shown; another number means that the reports have changed.
    reporters: int | None = None

    def acts_for(self) -> str | None:
        """Return the partner whose reports are retracted."""
        return None if self.partner is None else self.partner.name

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for values that many partners read."""
        self._refuse_changed(hub, tx)
        if self.partner is not None:
            return None
        subjects = sorted(subjects_meant(hub, tx, self.values))
        if not readership(tx, subjects).is_more_than(hub.most_readers_by_one):
            return None
        if not (witnesses(tx, subjects) or reporting_hubs(hub, tx, subjects)):
            return None
        return Proposed(RETRACT, {"subjects": subjects}, self.reason)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> RetractionResult:
        """Retract the reports."""
        self._refuse_changed(hub, tx)
        waiting: list[Retracted] = []
        spared: set[str] | None = set() if self.sets_aside else None
        done = retract_all(hub, tx, self.values, self.partner, self.reason, spared=spared, waiting=waiting)
        return RetractionResult(done, waiting, sorted(spared or ()))

    def entries(self, result: RetractionResult) -> Iterable[TrailEntry]:
        """Return an entry for each report."""
        for revoked in result.retracted:
            yield TrailEntry(self.verb, self.what, partner=revoked.partner, reference=revoked.indicator)
        for held in result.waiting:
            yield TrailEntry("HOLD", self.what, partner=held.partner, reference=held.indicator)

    def _refuse_changed(self, hub: Hub, tx: Tx) -> None:
        if self.reporters is None:
            return
        subjects = lookup.subjects(tx, set(self.values), hub.country)
        if len(witnesses(tx, subjects)) != self.reporters:
            raise Rejected("reports-changed", "the reports have changed since they were shown; look at them again")
