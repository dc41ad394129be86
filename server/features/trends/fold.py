"""Aggregate new log rows into figures, outside the contribution path.

A step reads some new rows of each log and the facts it needs about their values. It then updates the counters and its
positions in one short transaction, so nothing is counted twice or skipped if the process ends. Old rows of a log are
read again only for the values in the new ones.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import msgspec

from mappers import extension
from schemas import vocabulary
from schemas.partner import Partner
from server.features.trends import answers, fairness, figures, folded, outcome_figures, pending, progress, source, words
from server.features.trends.counts import ALL_SOURCES, DAY, FigureTally
from server.features.trends.days import month_of
from server.features.trends.figures import Dimension
from server.features.trends.folded import FoldedAnnotation, FoldedValue
from server.features.trends.pending import TO_BE_KNOWN, TO_JUDGE, Delisting, Unread
from server.features.trends.settle import settle
from server.features.trends.source import ListedVersion, SourceRow
from server.features.trends.words import ReportFigures, ReportWords
from server.release.fuse.statements import COERCED
from server.release.hub import Hub
from server.release.route.policy import PUBLIC
from server.store import collections, inbox, partners, reviews, subjects
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.partners import Registry

_ROWS = 1_000
_SECOND = 1_000_000
_ACTS, _CONFIRMS = vocabulary.outcomes_that("acts"), vocabulary.outcomes_that("confirms")
_TOTALS = frozenset({"count", "victims", "amount"})


class Folded(NamedTuple):
    """The end of a step: whether it was full, so that there is ``more`` to aggregate now; if not, all up to ``moment``
    (microseconds) is done.

    ``to_settle``: it found rows that the next step may settle. ``lost``: another process took the step first, and
    continues with the next one.
    """

    more: bool
    moment: int
    to_settle: bool = False
    lost: bool = False


def fold(hub: Hub, most: int = _ROWS) -> Folded:
    """Aggregate the next rows of all logs, at most ``most`` of each."""
    moment = now()
    with hub.store.read() as tx:
        before = progress.load(tx)
        found = collections.all_collections(tx)
        of_reports = next((collection for collection in found if collection.kind == "inbox"), None)
        if of_reports is None:
            # The store was not set up yet.
            return Folded(False, moment)
        step = _Step(tx, before, of_reports, found)
        more = step.read(most)
        answered = answers.waiting(tx, most)
        fairness.count(answered, step.tally, hub.answer_target)
        more |= len(answered) == most
        settled = settle(tx, step.logs, step.registry, step.tally, before.get(progress.STEP, 0), moment)
    if not (step.moved or settled or answered):
        return Folded(more, moment)
    with hub.store.begin(in_passing=True) as tx:
        if not progress.claim(tx, before, step.after):
            return Folded(True, moment, lost=True)
        step.write(tx)
        settled.write(tx)
        answers.forget(tx, answered)
    return Folded(more or settled.more, moment, step.is_to_settle)


def fold_all(hub: Hub) -> int:
    """Aggregate until nothing is left, and return the moment (microseconds) up to which all rows are aggregated."""
    while (folded := fold(hub)).more or folded.to_settle or folded.lost:
        pass
    return folded.moment


class _Step:
    """One step: the rows read from the logs, and the results."""

    def __init__(self, tx: Tx, before: Mapping[str, int], of_reports: Collection, found: Sequence[Collection]) -> None:
        self._tx = tx
        self._before = before
        self._inbox = of_reports
        shared = [
            collection for collection in found if collection.kind == "released" and collection.number == collection.log
        ]
        # Listings in ``public`` are also in another collection.
        self._shared = sorted(shared, key=lambda collection: (collection.alias == PUBLIC, collection.number))
        self._order = {collection.number: place for place, collection in enumerate(self._shared)}
        self.logs = {
            collection.number: tuple(each.id for each in found if each.log == collection.number)
            for collection in shared
        }
        self.registry: Registry = partners.load_registry(tx)
        self.tally = FigureTally()
        self.after: dict[str, int] = {}
        self._unread: Counter[tuple[int, int, str, str]] = Counter()
        self._delisted: list[Delisting] = []
        self._acted: set[str] = set()
        self._open_outcomes: dict[str, bool] = {}
        # The facts of values, and the bodies of reports, that the step has read: by number, and by ``date_added``.
        self._known: dict[int, FoldedValue] = {}
        self._bodies: dict[int, bytes] = {}
        self._words = ReportWords()

    @property
    def moved(self) -> bool:
        """Return whether it moved past the step before."""
        return any(self._before.get(name) != place for name, place in self.after.items())

    @property
    def is_to_settle(self) -> bool:
        """Return whether it found rows that the next step may settle."""
        return bool(self._unread or self._delisted)

    def read(self, most: int) -> bool:
        """Read at most ``most`` rows of each log, and return whether there are more."""
        more = False
        read: list[tuple[Collection, list[SourceRow]]] = []
        for log in (self._inbox, *self._shared):
            name = progress.of_log(log.number)
            stretch = source.stretch(self._tx, log, self._before.get(name, -1), most)
            self.after[name] = stretch.end
            more |= stretch.more
            rows = stretch.rows if log is self._inbox else self._with_values(stretch.rows)
            read.append((log, rows))
        [(_, reported), *_] = read
        self._bodies = {row.added: row.body for row in reported}
        # Reports and their listings are mostly read by the same step.
        self._values(row.value for _, rows in read for row in rows if row.value is not None)
        for log, rows in read:
            if rows:
                (self._read_inbox if log is self._inbox else self._read_listings)(log, rows)
        return more

    def write(self, tx: Tx) -> None:
        """Write the results of the step, in the transaction that claimed it."""
        self.tally.write(tx)
        pending.add_unread(tx, (Unread(*key, number) for key, number in self._unread.items()))
        pending.add_delistings(tx, self._delisted)
        pending.add_acted_on(tx, self._acted)
        outcome_figures.note(tx, self._open_outcomes)

    def _values(self, numbers: Iterable[int]) -> dict[int, FoldedValue]:
        """Return, by number, the known facts of values."""
        wanted = set(numbers)
        self._load(wanted - self._known.keys())
        return {number: self._known[number] for number in wanted & self._known.keys()}

    def _load(self, wanted: Set[int]) -> None:
        """Read the facts of values: all that the snapshot has, so each value is read once."""
        if not wanted:
            return
        names = subjects.names(self._tx, wanted)
        firsts = source.first_reports(self._tx, self._inbox, wanted)
        by_space = self.registry.by_space
        found = {number: FoldedValue(name) for number, name in names.items()}
        places: dict[int, tuple[int, Partner]] = {}
        for number, by in firsts.items():
            earliest: dict[str, tuple[int, Partner]] = {}
            for space, added in by.items():
                if (partner := by_space.get(space)) is not None:
                    mine = earliest.get(partner.counts_as)
                    if mine is None or added < mine[0]:
                        earliest[partner.counts_as] = (added, partner)
            places |= {added: (number, partner) for added, partner in earliest.values()}
        bodies = {added: self._bodies[added] for added in places.keys() & self._bodies.keys()}
        bodies |= source.bodies_at(self._tx, self._inbox, places.keys() - bodies.keys())
        for added, body in bodies.items():
            number, partner = places[added]
            if number in found:
                value = found[number]
                report = self._words.of_report(msgspec.json.decode(body), value.subject, partner)
                value.firsts[partner.counts_as] = (added, report)
        for number, versions in source.listed_versions(self._tx, self._order, wanted).items():
            if number in found:
                found[number].versions = versions
        self._known |= found

    def _read_inbox(self, _: Collection, rows: Sequence[SourceRow]) -> None:
        reports = [row for row in rows if row.value is not None and row.type == "indicator"]
        values = self._values(row.value for row in reports if row.value is not None)
        for row in reports:
            value, partner = values.get(row.value or 0), self.registry.by_space.get(row.space)
            if value is None or partner is None:
                continue
            first = value.firsts.get(partner.counts_as)
            if first is not None and first[0] == row.added:
                self._count_report(row, value, first[1], partner.counts_as)
        self._read_annotations([row for row in rows if row.type in ("sighting", "opinion") and not row.revoked])

    def _count_report(self, row: SourceRow, value: FoldedValue, report: ReportFigures, organisation: str) -> None:
        """Count the first report of a value by an organisation."""
        self.tally.count(figures.RECEIVED.name, row.added, report.words)
        if not report.is_shared:
            return
        if folded.stands(value.before((row.added, -1))):
            self.tally.count(figures.REPORTS.name, row.added, report.words, (organisation,))
        self._count_for_source(row.added, value, organisation)

    def _count_for_source(self, added: int, value: FoldedValue, organisation: str) -> None:
        """Count the value of an organisation's report compared with earlier ones by others."""
        month = month_of(added // DAY)
        earlier = {other: at for other, at in value.shared(added).items() if other != organisation}
        self.tally.source(organisation, value.kind, month, "volume")
        if not earlier:
            self.tally.source(organisation, value.kind, month, "first")
            self.tally.source(organisation, value.kind, month, "exclusive")
            return
        if len(earlier) == 1:
            [(other, at)] = earlier.items()
            self.tally.source(other, value.kind, month_of(at // DAY), "exclusive", -1)
        self.tally.delay(organisation, value.kind, month, added - min(earlier.values()))

    def _read_listings(self, log: Collection, listed: Sequence[SourceRow]) -> None:
        values = self._values(row.value for row in listed if row.value is not None)
        known = {row.added: row for row in listed}
        previous = self._previous(listed, values, log)
        missing = {version.added for version in previous.values()} - known.keys()
        bodies = source.bodies_at(self._tx, log, missing) | {added: row.body for added, row in known.items()}
        for row in listed:
            if (value := values.get(row.value or 0)) is not None:
                self._count_beginning(row, value, log)
                if value.home(row.added, self._order) == log.number:
                    before = previous.get(row.added)
                    self._count_listing(row, value, log, before, bodies.get(before.added) if before else None)

    def _previous(
        self, listed: Sequence[SourceRow], values: Mapping[int, FoldedValue], log: Collection
    ) -> dict[int, ListedVersion]:
        """Return, by the place of each version, the version before it of the same listing in the same collection."""
        previous: dict[int, ListedVersion] = {}
        for row in listed:
            if (value := values.get(row.value or 0)) is not None:
                before = value.before((row.added, log.number))
                mine = [version for version in before if version[1:3] == (log.number, row.key)]
                if mine:
                    previous[row.added] = mine[-1]
        return previous

    def _with_values(self, rows: Sequence[SourceRow]) -> list[SourceRow]:
        """Return the versions of listings with their values; a version that revokes a listing does not name its
        value.
        """
        listings = [row for row in rows if row.type == "indicator"]
        unnamed = source.values_of(self._tx, (row.key for row in listings if row.value is None))
        named = (row if row.value is not None else row._replace(value=unnamed.get(row.key)) for row in listings)
        return [row for row in named if row.value is not None]

    def _count_beginning(self, row: SourceRow, value: FoldedValue, log: Collection) -> None:
        """Count the reports behind a listing from now on, if the value had no active listing before."""
        before = value.before((row.added, log.number))
        if row.revoked or folded.stands(before):
            return
        since = max((version.added for version in before if version.revoked), default=-1)
        for organisation, (added, report) in value.firsts.items():
            if report.is_shared and since < added <= row.added:
                self.tally.count(figures.REPORTS.name, row.added, report.words, (organisation,))

    def _count_listing(
        self, row: SourceRow, value: FoldedValue, log: Collection, before: ListedVersion | None, body: bytes | None
    ) -> None:
        """Count how a version of a listing changed the active listings."""
        now_, was = folded.listing_of(row.body, value), None if body is None else folded.listing_of(body, value)
        stood = was is not None and before is not None and not before.revoked and was.end > row.added
        stands = not row.revoked and now_.end > row.added
        by = sorted(value.shared(row.added + _SECOND))
        at, active = row.added, figures.ACTIVE.name
        if stood and was is not None:
            self.tally.count(active, at, was.words, number=-1)
            self.tally.count(active, was.end - 1, was.words, number=1)
        if stands:
            self.tally.count(active, at, now_.words, number=1)
            self.tally.count(active, now_.end - 1, now_.words, number=-1)
        if stands and not stood:
            self.tally.count(figures.LISTED.name, at, now_.words, by)
        if before is None:
            self._count_entry(row, value, log, by)
        if stood and row.revoked:
            self.tally.count(figures.DELISTED.name, at, now_.words, by)
            entered = min(version.added for version in value.versions if version[1:3] == (log.number, row.key))
            self._delisted.append(
                Delisting(row.key, log.number, at, at - entered, value.kind, "\n".join(by), TO_JUDGE | TO_BE_KNOWN)
            )

    def _count_entry(self, row: SourceRow, value: FoldedValue, log: Collection, by: Sequence[str]) -> None:
        """Count the delay of a listing, and that no reader has read it yet."""
        self._unread[log.number, row.added // 1000, value.kind, "\n".join(by)] += 1
        is_first = not value.before((row.added, log.number))
        reported = value.shared(row.added + _SECOND).values()
        if is_first and reported:
            kind = {Dimension.KIND: (value.kind,)}
            self.tally.time(figures.TO_LISTING.name, row.added, row.added - min(reported), kind, by)

    def _read_annotations(self, rows: Sequence[SourceRow]) -> None:
        """Count the new sightings and outcomes, and note which outcomes are public."""
        rows = self._without_held(rows)
        first = source.first_versions(self._tx, self._inbox, (row.key for row in rows))
        annotations = self._with_listed_values(rows)
        sighted = {number for one in annotations if one.row.type == "sighting" for number in one.about}
        latest = source.latest_reports(self._tx, self._inbox, sighted)
        listings = {version.id for one in annotations for value in one.about.values() for version in value.versions}
        acted = pending.acted_on(self._tx, listings)
        for row, obj, listed in annotations:
            is_open = bool(listed) and words.is_shared(obj)
            if row.type == "opinion" and not _TOTALS.isdisjoint(extension.context_of(obj)):
                self._open_outcomes[row.key] = is_open
            if not is_open or first.get(row.key) != row.added:
                continue
            if row.type == "sighting":
                self._count_sighting(row, obj, listed, latest)
            else:
                self._count_outcome(row, obj, listed, acted)

    def _without_held(self, rows: Sequence[SourceRow]) -> list[SourceRow]:
        """Return partners' annotations, except those held for a person or refused, which are not published."""
        states = reviews.states(self._tx, {row.key for row in rows})
        held = {key for key, review in states.items() if review.state != "approved" and review.rule != COERCED}
        return [row for row in rows if row.space in self.registry.by_space and row.key not in held]

    def _with_listed_values(self, rows: Sequence[SourceRow]) -> list[FoldedAnnotation]:
        """Return annotations with the values that they are about, limited to values listed before."""
        objects = [msgspec.json.decode(row.body) for row in rows]
        keys = [
            [key for ref in folded.refs_of(obj) for key in (ref, inbox.key(row.space, ref))]
            for row, obj in zip(rows, objects, strict=True)
        ]
        numbers = source.values_of(self._tx, (key for some in keys for key in some))
        values = self._values(numbers.values())
        found: list[FoldedAnnotation] = []
        for row, obj, some in zip(rows, objects, keys, strict=True):
            about = {number: values[number] for key in some if (number := numbers.get(key)) in values}
            listed = {number: value for number, value in about.items() if value.before((row.added, -1))}
            found.append(FoldedAnnotation(row, obj, listed))
        return found

    def _count_sighting(
        self,
        row: SourceRow,
        obj: Mapping[str, Any],
        listed: Mapping[int, FoldedValue],
        latest: Mapping[int, list[tuple[int, bytes]]],
    ) -> None:
        kinds = tuple(sorted({value.kind for value in listed.values()}))
        by_space = self.registry.by_space
        partner = by_space[row.space]
        cells = {Dimension.KIND: kinds, Dimension.REPORTER_KIND: (partner.kind.value,)}
        self.tally.count(figures.SIGHTINGS.name, row.added, cells, (partner.counts_as,))
        seen = folded.moment_of(obj.get("last_seen")) or row.added
        for number, value in listed.items():
            ended = {
                by_space[space].counts_as
                for space, body in latest.get(number, ())
                if space in by_space and (end := folded.end_of(msgspec.json.decode(body))) is not None and end < seen
            }
            for organisation in ended & value.shared(row.added).keys():
                self.tally.source(
                    organisation, value.kind, month_of(value.firsts[organisation][0] // DAY), "seen-after-end"
                )

    def _count_outcome(
        self, row: SourceRow, obj: Mapping[str, Any], listed: Mapping[int, FoldedValue], acted: set[str]
    ) -> None:
        outcome = folded.outcome_of(extension.context_of(obj).get("outcome"))
        if outcome is None:
            return
        partner = self.registry.by_space[row.space]
        mine = partner.counts_as
        kinds = tuple(sorted({value.kind for value in listed.values()}))
        cells = {
            Dimension.KIND: kinds,
            Dimension.OUTCOME: (outcome.value,),
            Dimension.REPORTER_KIND: (partner.kind.value,),
        }
        self.tally.count(figures.ACTIONS.name, row.added, cells, (mine,))
        if outcome not in _ACTS:
            return
        for value in listed.values():
            if outcome in _CONFIRMS:
                self._count_case(row, obj, value, mine)
            home = value.home(row.added, self._order)
            mine_there = [version for version in value.before((row.added, -1)) if version.log == home]
            listing = mine_there[-1].id
            if listing in acted or listing in self._acted:
                continue
            self._acted.add(listing)
            entered = min(version.added for version in mine_there if version.id == listing)
            kind = {Dimension.KIND: (value.kind,)}
            self.tally.time(figures.TO_ACTION.name, row.added, row.added - entered, kind, (mine,))

    def _count_case(self, row: SourceRow, obj: Mapping[str, Any], value: FoldedValue, stated_by: str) -> None:
        """Count the organisations that had reported the value before a loss or attempt dated by an outcome."""
        context = extension.context_of(obj)
        lost = folded.moment_of(context.get("effective_from")) or folded.moment_of_day(context.get("period_from"))
        if lost is None or lost > row.added:
            return
        month = month_of(row.added // DAY)
        self.tally.source(ALL_SOURCES, value.kind, month, "cases")
        self.tally.source(stated_by, value.kind, month, "own-cases")
        for organisation, (added, report) in value.firsts.items():
            if report.is_shared and added < lost and organisation != stated_by:
                self.tally.source(organisation, value.kind, month, "covered")
