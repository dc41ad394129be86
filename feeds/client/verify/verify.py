"""Check objects against the log of the collection that they were read from."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from feeds.client.verify.heads import BrokenLog, LogCoverage, LogHead, follow, read_coverage
from feeds.client.verify.log_client import FoundPlace, LedgerHub, LogClient, LogState, NotSealedYet, SealingStopped
from schemas.tlog import BadFormat, BadProof, trees
from schemas.tlog.bag import ProvenObject
from schemas.tlog.entries import EntryKind, Opening, check_names, read_moment
from schemas.tlog.notes import VerifierKey

# A working hub signs an object within this time after its date_added (docs/ledger.md).
PROMISED_SECONDS = 60
_PAUSE_SECONDS = 2
# Up to this many objects are requested one by one; for more, the openings of the log are read in pages.
_ONE_BY_ONE = 50
_OBJECTS = (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW)
# The objects to check, by id and version.
_Wanted = Mapping[tuple[str, int], "CheckedObject"]


class Verdict(StrEnum):
    """The verdict of the log on an object."""

    PROVEN = "proven"
    PENDING = "pending"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"
    # Pending for longer than the hub promises.
    OVERDUE = "overdue"


class CheckedObject(NamedTuple):
    """An object's bytes as they were read, with its id and its version, both as text and in microseconds.

    For an object without a version these are "" and 0.
    """

    id: str
    version: str
    micros: int
    body: bytes


@dataclass
class LogVerification:
    """The verdict on each object; ``problem`` describes a fault of the log itself.

    ``coverage`` is the account of all entries of the log, None if it was not requested.
    """

    verdicts: list[tuple[CheckedObject, Verdict]] = field(default_factory=list)
    cosigned_by: tuple[str, ...] = ()
    problem: str = ""
    coverage: LogCoverage | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of objects with each verdict."""
        found = Counter(verdict for _, verdict in self.verdicts)
        return {verdict.value: found[verdict] for verdict in Verdict}

    @property
    def is_complete(self) -> bool:
        """Return whether the hub accounts for each entry of the log, or was not asked to."""
        return self.coverage is None or not self.coverage.missing

    @property
    def is_good(self) -> bool:
        """Return whether all objects match the log, now or in some seconds, and nothing was left out."""
        return not self.problem and not self.failing and self.is_complete

    @property
    def failing(self) -> list[tuple[CheckedObject, Verdict]]:
        """Return the objects that do not match the log."""
        return [found for found in self.verdicts if found[1] not in (Verdict.PROVEN, Verdict.PENDING)]


def read_objects(text: bytes) -> list[CheckedObject]:
    """Parse a bundle, an envelope, one object, or a file with one object per line. Raises ``BadFormat``."""
    try:
        bodies = _bodies(text)
        return [read_object(body) for body in bodies]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFormat(f"not STIX objects in JSON: {error}") from error


def verify_at(
    hub: LedgerHub,
    token: str,
    collection: str,
    objects: Sequence[CheckedObject],
    *,
    keys: Sequence[VerifierKey],
    witnesses: Sequence[VerifierKey] = (),
    state: Path | None = None,
    complete: bool = True,
    since: int | None = None,
) -> LogVerification:
    """Check objects against the log of a collection at a hub; with the file ``state`` the log must never shrink.

    With ``complete`` the hub has to account for each entry of the log: an object that was left out is a problem.
    ``since`` (microseconds) is when the reader was granted access: entries added later cannot be withheld from it.
    Raises ``TryLater`` and ``Misconfigured``.
    """
    with LogClient.of(hub, token, collection) as log, ExitStack() as opened:
        memory = opened.enter_context(LogState(state, log.url)) if state else None
        wanted = {(checked.id, checked.micros): checked for checked in objects}
        found: dict[tuple[str, int], Opening] = {}
        coverage: LogCoverage | None = None
        try:
            if complete:
                head, coverage, found = _read_whole(log, wanted, lambda: follow(log, keys, witnesses, memory))
            else:
                head = follow(log, keys, witnesses, memory)
        except BrokenLog as error:
            return LogVerification([(checked, Verdict.UNKNOWN) for checked in objects], problem=str(error))
        if not complete and len(objects) > _ONE_BY_ONE:
            found = _found_in_pages(log, wanted, head)
        result = verify(log, head, objects, memory, found)
    result.cosigned_by, result.coverage = head.cosigned_by, coverage
    if coverage is not None and since is not None and coverage.withheld_up_to > since:
        result.problem = f"the hub withholds {coverage.withheld} entries, some of them added after --since"
    return result


def verify(
    log: LogClient,
    head: LogHead,
    objects: Sequence[CheckedObject],
    state: LogState | None,
    found: dict[tuple[str, int], Opening],
) -> LogVerification:
    """Check each object against the log, of which ``head`` is the checked head.

    ``found`` has the known openings, by id and version; others are requested.
    """
    result = LogVerification()
    for checked in objects:
        opening = found.get((checked.id, checked.micros))
        verdict = _ask(log, head, checked, state, found) if opening is None else compare(head, checked, opening)
        result.verdicts.append((checked, verdict))
    if state is not None:
        state.store_places(
            (checked.id, checked.micros, FoundPlace(opening.index, opening.date_added))
            for checked, verdict in result.verdicts
            if verdict is Verdict.PROVEN and (opening := found.get((checked.id, checked.micros))) is not None
        )
    return result


def _ask(
    log: LogClient,
    head: LogHead,
    checked: CheckedObject,
    state: LogState | None,
    found: dict[tuple[str, int], Opening],
) -> Verdict:
    """Return the verdict on one object by its own proof, and store the opening of its entry in ``found``."""
    try:
        proof = log.proof(checked.id, checked.version or None)
    except SealingStopped:
        return Verdict.OVERDUE
    except NotSealedYet:
        return _pending_or_overdue(log, checked, state)
    if proof is None:
        return _why_absent(log, head, checked, state)
    try:
        opening = ProvenObject(checked.body, proof).opening
    except BadFormat:
        return Verdict.ALTERED
    if proof.index >= head.checkpoint.size:
        return Verdict.PENDING
    found[checked.id, checked.micros] = opening
    return compare(head, checked, opening)


def _pending_or_overdue(log: LogClient, checked: CheckedObject, state: LogState | None) -> Verdict:
    """Return whether an object is pending for longer than the hub promises, by its date_added or our own memory."""
    now = time.time_ns() // 1000
    since = [now if (added := log.date_added(checked.id, checked.version or None)) is None else added]
    if state is not None:
        since.append(state.waiting_since(checked.id, checked.micros, now))
    return Verdict.OVERDUE if now - min(since) > PROMISED_SECONDS * 1_000_000 else Verdict.PENDING


def compare(head: LogHead, checked: CheckedObject, opening: Opening) -> Verdict:
    """Return whether the entry of an opening is that of the object."""
    if opening.index >= head.checkpoint.size:
        return Verdict.PENDING
    try:
        is_there = head.has(opening.index, trees.leaf_hash(opening.entry(checked.body)))
    except (BadFormat, BadProof):
        return Verdict.ALTERED
    return Verdict.PROVEN if is_there else Verdict.ALTERED


def _why_absent(log: LogClient, head: LogHead, checked: CheckedObject, state: LogState | None) -> Verdict:
    """Return whether an object that the log does not show was removed from it after it was proven."""
    place = state.place(checked.id, checked.micros) if state else None
    if place is None:
        return Verdict.UNKNOWN
    for page in log.openings(place.added):
        for opening in page.openings:
            if opening.removed == place.place and compare(head, checked, opening) is Verdict.PROVEN:
                return Verdict.WITHDRAWN
    return Verdict.UNKNOWN


def _read_whole(
    log: LogClient, wanted: _Wanted, follow: Callable[[], LogHead]
) -> tuple[LogHead, LogCoverage, dict[tuple[str, int], Opening]]:
    """Return the head of a log, the account of its entries, and the openings of the objects' entries."""
    found: dict[tuple[str, int], Opening] = {}

    def note(opening: Opening) -> None:
        if (key := _key(opening)) in wanted and opening.kind in _OBJECTS:
            found.setdefault(key, opening)

    ends = time.monotonic() + PROMISED_SECONDS
    while True:
        head = follow()
        coverage = read_coverage(log, head, note)
        if not coverage.unsettled or time.monotonic() >= ends:
            return head, coverage, found
        # An object was just removed: the entry about it is signed within seconds.
        time.sleep(_PAUSE_SECONDS)
        found.clear()


def _found_in_pages(log: LogClient, wanted: _Wanted, head: LogHead) -> dict[tuple[str, int], Opening]:
    """Return the openings of the objects' entries, from the pages of the log since the oldest object."""
    found: dict[tuple[str, int], Opening] = {}
    oldest = min(wanted.values(), key=lambda checked: checked.micros)
    for page in log.openings(oldest.version or None):
        for opening in page.openings:
            if (key := _key(opening)) in wanted and opening.kind in _OBJECTS:
                found[key] = opening
        if len(found) == len(wanted) or any(opening.index >= head.checkpoint.size for opening in page.openings):
            break
    return found


def _key(opening: Opening) -> tuple[str, int]:
    """Return id and version of the object of an entry; ("", 0) if the hub sends them in an unknown form."""
    try:
        return opening.id or "", read_moment(opening.version) if opening.version else 0
    except BadFormat:
        return "", 0


def _bodies(text: bytes) -> Iterable[bytes]:
    whole = text.strip()
    try:
        document = msgspec.json.decode(whole, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return [line for line in whole.splitlines() if line.strip()]
    check_names(whole)
    if "objects" in document and ("id" not in document or bytes(document.get("type", b"")) == b'"bundle"'):
        return [bytes(body) for body in msgspec.json.decode(document["objects"], type=list[msgspec.Raw])]
    return [whole]


class _Named(msgspec.Struct):
    id: str
    modified: str | None = None
    created: str | None = None


def read_object(body: bytes) -> CheckedObject:
    """Parse an object. Raises ``msgspec.MsgspecError`` and ``BadFormat``."""
    named = msgspec.json.decode(body, type=_Named)
    version = named.modified or named.created or ""
    return CheckedObject(named.id, version, read_moment(version) if version else 0, body)
