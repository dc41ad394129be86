"""Batches of a pull: of rows, outcomes, an API's records or a peer's STIX objects, with the withdrawn values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from feeds.connector import Batch, Gone
from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_rows
from feeds.readers import report_objects, stix
from feeds.readers.rows import FileRow, ReportRow, Row, Tally
from mappers import consensus, ids, marking
from mappers.indicator import Profile
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.guard import stix_object
from server.release.guard.stix_properties import MAX_CLOCK_SKEW


class Part(NamedTuple):
    """Some results of mapping, and the error if the rest of the file cannot be read."""

    outcomes: list[Mapped | Duplicate | Reject]
    failure: UnreadableFile | None


def parts(
    outcomes: Iterator[Mapped | Duplicate | Reject], size: int, start: int = 0, tally: Tally | None = None
) -> Iterator[Part]:
    """Yield ``outcomes`` from number ``start`` in parts of ``size``; the last is shorter and may be empty.

    Outcomes read before a failure are in the last part, together with the failure. Counts in ``tally`` from before
    ``start`` are dropped, because the caller already has them.
    """
    passed, failure = _pass(outcomes, start) if start else (0, None)
    if tally is not None and start:
        tally.taken()
    part = Part([], failure)
    if failure or passed < start:
        yield part
        return
    while part.failure is None:
        part = _part(islice(outcomes, size))
        yield part
        if len(part.outcomes) < size:
            return


def _pass(outcomes: Iterator[Mapped | Duplicate | Reject], number: int) -> tuple[int, UnreadableFile | None]:
    """Skip ``number`` outcomes; return how many there were, and the error that ended them early."""
    passed = 0
    try:
        for _ in islice(outcomes, number):
            passed += 1
    except UnreadableFile as error:
        return passed, error
    return passed, None


def _part(outcomes: Iterator[Mapped | Duplicate | Reject]) -> Part:
    had = []
    try:
        for outcome in outcomes:
            had.append(outcome)
    except UnreadableFile as error:
        return Part(had, error)
    return Part(had, None)


def batch_of_rows(
    rows: Iterable[FileRow], checkpoint: dict[str, Any], options: Options, *, gone: Sequence[str | Gone] = ()
) -> Batch:
    """Make a batch of ``rows``; a row that is not a report is counted with its reason. ``gone`` are withdrawn."""
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    return batch_of_outcomes(outcomes, checkpoint, gone=gone, tally=tally)


def batch_of_outcomes(
    outcomes: Sequence[Mapped | Duplicate | Reject],
    checkpoint: dict[str, Any],
    *,
    gone: Sequence[str | Gone] = (),
    done: Sequence[tuple[str, str]] = (),
    more_rejected: Mapping[str, int] | None = None,
    tally: Tally | None = None,
) -> Batch:
    """Make a batch of mapped rows; ``gone`` are withdrawn indicators or values.

    ``more_rejected`` counts items that are not rows, such as unreadable files, by reason. ``tally`` counts the rows,
    and their unread cells.
    """
    rejected = Counter(more_rejected)
    read = len(outcomes) + len(gone) + rejected.total()
    rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    rejected.update(reject.reason for reject in rejects)
    items = [outcome.objects for outcome in outcomes if isinstance(outcome, Mapped)]
    return Batch(items, checkpoint, read, rejected, done, gone, rejects, tally=tally or Tally())


def gone_in(rows: Iterable[FileRow], options: Options) -> list[Gone]:
    """Return the ids of the indicators in ``rows`` at this hub; rows that are not reports never had one."""
    outcomes = map_rows(rows, options.reporter, options)
    objects = [obj for outcome in outcomes if isinstance(outcome, Mapped) for obj in outcome.objects]
    return [Gone(str(obj["id"]), str(obj["modified"])) for obj in objects if obj["type"] == "indicator"]


def batch_of_records(
    records: Iterable[object], checkpoint: dict[str, Any], options: Options, gone: Sequence[str | Gone] = ()
) -> Batch:
    """Make a batch of ``records``, whose keys are the columns of a file of reports (``docs/reports.md``).

    A record that is not a report, or not even a mapping, is counted with its reason. ``gone`` are values, or ids of
    indicators, that the partner withdraws, with the time if it is known.
    """
    rows = (
        row
        for number, record in enumerate(records, 1)
        for row in report_objects.rows(number, dict(record) if isinstance(record, Mapping) else record)
    )
    return batch_of_rows(rows, checkpoint, options, gone=gone)


def as_of_now(items: Sequence[Sequence[dict[str, Any]]]) -> tuple[list[Sequence[dict[str, Any]]], int]:
    """Redate items from the future to now; return all items, and the number of redated ones.

    The release rules would refuse a version from the future, and it would be lost. A few minutes ahead are allowed. A
    later version of the same object is dated when it is pulled, which is later than this.
    """
    latest, now = timestamp.text(timestamp.now() + MAX_CLOCK_SKEW), timestamp.text(timestamp.now())
    dated = [[_dated(obj, latest, now) for obj in objects] for objects in items]
    return list(dated), sum(made != [*objects] for made, objects in zip(dated, items, strict=True))


def _dated(obj: dict[str, Any], latest: str, now: str) -> dict[str, Any]:
    try:
        if timestamp.text(timestamp.parse(obj["modified"])) <= latest:
            return obj
        created = min(now, timestamp.text(timestamp.parse(obj["created"])))
    except (KeyError, TypeError, AttributeError, Rejected):
        return obj  # without versions, or malformed: the release rules refuse it
    return {**obj, "created": created, "modified": now}


# Types that make no statement of their own.
_BESIDE = ("bundle", "marking-definition", "identity", "extension-definition", "language-content", "relationship")

_MOST_MARKINGS = 1000
_IDENTIFYING = ("type", "spec_version", "id", "pattern", "pattern_type", "created", "modified", "extensions")


@dataclass
class Adopted:
    """Adopted objects: ``items`` to contribute, indicators that are ``gone``, and the reasons of the rejected."""

    items: list[list[dict[str, Any]]] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """Return the number of all items."""
        return len(self.items) + len(self.gone) + self.rejected.total()


class PeerObjects:
    """Adopts the objects of a peer, and stores the markings that the peer defines.

    The partner's own objects stay unchanged. Each value of another creator's indicator becomes an indicator of the
    partner. Its id is derived from the id of the first indicator: two reports of one value stay two, and when one of
    them is revoked, only its own indicator is revoked. Objects that only accompany indicators (identities,
    relationships, observables) are skipped.
    """

    def __init__(self, options: Options, markings: Mapping[str, str] | None = None) -> None:
        """Adopt in the name of ``options.reporter``; ``markings`` are those of an earlier run."""
        # Release adds the objects around an indicator.
        self._options = replace(options, profile=Profile.CORE)
        self._identity = ids.identity(options.reporter)
        self._markings = {id_: Tlp(level) for id_, level in (markings or {}).items()}

    @property
    def markings(self) -> dict[str, str]:
        """Return the TLP levels of the markings defined by the peer so far, by their ids."""
        return {id_: level.value for id_, level in self._markings.items()}

    def adopt(self, objects: Sequence[Any]) -> Adopted:
        """Adopt ``objects``, in order."""
        done = Adopted()
        for obj in objects:
            if isinstance(obj, dict) and obj.get("type") == "marking-definition":
                level = marking.tlp_of_source_marking(obj)
                if level and len(self._markings) < _MOST_MARKINGS:
                    self._markings[str(obj.get("id"))] = level
        now = timestamp.now()
        rows = (
            _not_ahead(row, now)
            for place, obj in enumerate(objects)
            if isinstance(obj, dict) and not self._is_own(obj) and not _is_beside(obj)
            for row in stix.rows_of(place, _identifying(obj) if obj.get("revoked") is True else obj, self._markings)
        )
        adopted = defaultdict(list)
        for outcome in map_rows(rows, self._options.reporter, self._options):
            adopted[outcome.line].append(outcome)
        for place, obj in enumerate(objects):
            if not isinstance(obj, dict):
                done.rejected["not-a-record"] += 1
            elif self._is_own(obj):
                self._keep(obj, done)
            else:
                self._adopt(obj, adopted[place], done)
        return done

    def _is_own(self, obj: dict[str, Any]) -> bool:
        return obj.get("created_by_ref") == self._identity and "spec_version" in obj

    def _keep(self, obj: dict[str, Any], done: Adopted) -> None:
        try:
            stix_object.check(obj)
        except Rejected as refusal:
            done.rejected[refusal.reason] += 1
        else:
            done.items.append([obj])

    def _adopt(self, obj: dict[str, Any], outcomes: Sequence[Mapped | Reject], done: Adopted) -> None:
        revoked = obj.get("revoked") is True
        # The reports from which a hub made its indicator.
        origin, made_of = origin_of(obj), consensus.listed_origins(obj) if consensus.is_consensus(obj) else []
        for outcome in outcomes:
            if isinstance(outcome, Reject):
                # The reason why a revoked indicator is not a report does not matter: it was never adopted.
                done.rejected["revoked" if revoked else outcome.reason] += 1
                continue
            (indicator,) = outcome.objects
            if origin:
                indicator = named_after(origin, self._identity, indicator, made_of)
            if revoked:
                done.gone.append(Gone(indicator["id"], indicator["modified"]))
            else:
                done.items.append([indicator])


def _is_beside(obj: dict[str, Any]) -> bool:
    return obj.get("type") in _BESIDE or ("spec_version" in obj and "created" not in obj)


def named_after(origin: str, creator: str, indicator: dict[str, Any], first: Sequence[str] = ()) -> dict[str, Any]:
    """Return an indicator of ``creator`` with the id derived from its ``origin``, and a reference to that.

    ``first`` are the ids of the reports from which a hub made the original, if there are several.
    """
    identifying = {"created_by_ref": creator, "origin": origin, "pattern": indicator["pattern"], "type": "indicator"}
    listed = indicator.get("external_references")
    references = [found for found in listed if isinstance(found, dict)] if isinstance(listed, list) else []
    others = [reference for reference in references if reference.get("source_name") != consensus.ORIGIN]
    return {
        **indicator,
        "id": "indicator--" + ids.in_scamfeed(identifying),
        "external_references": [*others, *consensus.origin_references(first or [origin])],
    }


def _identifying(revoked: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that identify the values of a revoked indicator: it may now end before it begins."""
    return {name: revoked[name] for name in _IDENTIFYING if name in revoked}


def origin_of(obj: dict[str, Any]) -> str:
    """Return the first id of an indicator; a consensus of several reports has its own."""
    known = [] if consensus.is_consensus(obj) else consensus.listed_origins(obj)
    if known:
        return known[0]
    id_ = obj.get("id")
    return id_ if isinstance(id_, str) and id_.startswith("indicator--") else ""


def _not_ahead(row: FileRow, now: datetime) -> FileRow:
    """Date a report now if the peer's clock is ahead of ours: versions from the future are refused."""
    if isinstance(row, ReportRow) and row.report.reported_at > now:
        return row._replace(report=row.report.model_copy(update={"reported_at": now}))
    if isinstance(row, Row) and _is_after(row.fields.get("reported_at", ""), now):
        return row._replace(fields={name: text for name, text in row.fields.items() if name != "reported_at"})
    return row


def _is_after(text: str, now: datetime) -> bool:
    try:
        return timestamp.parse(text) > now
    except Rejected:
        return False
