"""Check objects against the log of the collection that they were read from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from feeds.ledger.heads import BrokenLog, LogHead, follow
from feeds.ledger.log_client import LedgerHub, LogClient, NotSealedYet
from feeds.ledger.state import FoundPlace, LogState
from schemas.ledger import trees
from schemas.ledger.entries import EntryKind, Opening, read_moment
from schemas.ledger.errors import BadFormat, BadProof
from schemas.ledger.notes import VerifierKey
from schemas.proof.object_bag import ProvenObject

# So many objects are asked for one by one; of more, the openings of the log are read in pages.
_ONE_BY_ONE = 50


class Verdict(StrEnum):
    """The verdict of the log on an object."""

    PROVEN = "proven"
    PENDING = "pending"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


class CheckedObject(NamedTuple):
    """An object by its bytes as they were read, with its id and its version, both as text and in microseconds.

    An object without a version has "", and 0.
    """

    id: str
    version: str
    micros: int
    body: bytes


@dataclass
class LogVerification:
    """The verdict on each object; ``problem`` is what is wrong with the log itself."""

    verdicts: list[tuple[CheckedObject, Verdict]] = field(default_factory=list)
    cosigned_by: tuple[str, ...] = ()
    problem: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of each verdict."""
        found = Counter(verdict for _, verdict in self.verdicts)
        return {verdict.value: found[verdict] for verdict in Verdict}

    @property
    def is_good(self) -> bool:
        """Return whether the log has all of them as they are, or will have them in some seconds."""
        return not self.problem and not self.failing

    @property
    def failing(self) -> list[tuple[CheckedObject, Verdict]]:
        """Return the objects that the log does not have as they are."""
        return [found for found in self.verdicts if found[1] not in (Verdict.PROVEN, Verdict.PENDING)]


def read_objects(text: bytes) -> list[CheckedObject]:
    """Return the objects of a bundle, an envelope, one object, or a file of an object a line. Raises ``BadFormat``."""
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
) -> LogVerification:
    """Check objects against the log of a collection at a hub; in the file ``state`` the log must never go back.

    Raises ``TryLater`` and ``Misconfigured``.
    """
    with LogClient.of(hub, token, collection) as log, ExitStack() as opened:
        memory = opened.enter_context(LogState(state, log.url)) if state else None
        try:
            head = follow(log, keys, witnesses, memory)
        except BrokenLog as error:
            return LogVerification([(checked, Verdict.UNKNOWN) for checked in objects], problem=str(error))
        result = verify(log, head, objects, memory)
        result.cosigned_by = head.cosigned_by
        return result


def verify(log: LogClient, head: LogHead, objects: Sequence[CheckedObject], state: LogState | None) -> LogVerification:
    """Check each object against the log, of which ``head`` is the head that was checked."""
    found: dict[tuple[str, int], Opening] = {}
    if len(objects) > _ONE_BY_ONE:
        found = _found_in_pages(log, {(checked.id, checked.micros): checked for checked in objects}, head)
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
    """Return the verdict on one object by its own proof, and note in ``found`` what opens its entry."""
    try:
        proof = log.proof(checked.id, checked.version or None)
    except NotSealedYet:
        return Verdict.PENDING
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


def compare(head: LogHead, checked: CheckedObject, opening: Opening) -> Verdict:
    """Return whether the entry that an opening names is that of the object."""
    if opening.index >= head.checkpoint.size:
        return Verdict.PENDING
    try:
        is_there = head.has(opening.index, trees.leaf_hash(opening.entry(checked.body)))
    except (BadFormat, BadProof):
        return Verdict.ALTERED
    return Verdict.PROVEN if is_there else Verdict.ALTERED


def _why_absent(log: LogClient, head: LogHead, checked: CheckedObject, state: LogState | None) -> Verdict:
    """Return whether an object that the log does not show was removed from it since it was proven."""
    place = state.place(checked.id, checked.micros) if state else None
    if place is None:
        return Verdict.UNKNOWN
    for page in log.openings(place.added):
        for opening in page.openings:
            if opening.removed == place.place and compare(head, checked, opening) is Verdict.PROVEN:
                return Verdict.WITHDRAWN
    return Verdict.UNKNOWN


def _found_in_pages(
    log: LogClient, wanted: Mapping[tuple[str, int], CheckedObject], head: LogHead
) -> dict[tuple[str, int], Opening]:
    """Return what opens the entries of objects, from the pages of the log since the oldest of them."""
    found: dict[tuple[str, int], Opening] = {}
    oldest = min(wanted.values(), key=lambda checked: checked.micros)
    for page in log.openings(oldest.version or None):
        for opening in page.openings:
            key = (opening.id or "", read_moment(opening.version) if opening.version else 0)
            if key in wanted and opening.kind in (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW):
                found[key] = opening
        if len(found) == len(wanted) or any(opening.index >= head.checkpoint.size for opening in page.openings):
            break
    return found


def _bodies(text: bytes) -> Iterable[bytes]:
    whole = text.strip()
    try:
        document = msgspec.json.decode(whole, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return [line for line in whole.splitlines() if line.strip()]
    if "objects" in document and ("id" not in document or bytes(document.get("type", b"")) == b'"bundle"'):
        return [bytes(body) for body in msgspec.json.decode(document["objects"], type=list[msgspec.Raw])]
    return [whole]


class _Named(msgspec.Struct):
    id: str
    modified: str | None = None
    created: str | None = None


def read_object(body: bytes) -> CheckedObject:
    """Return an object by its bytes. Raises ``msgspec.MsgspecError`` and ``BadFormat``."""
    named = msgspec.json.decode(body, type=_Named)
    version = named.modified or named.created or ""
    return CheckedObject(named.id, version, read_moment(version) if version else 0, body)
