"""The mirror's checks of the hub's log: what the hub serves is what its log contains."""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import orjson

from feeds.client.mirror.copies import CollectionCopy, CopyWriter
from feeds.client.mirror.hub_client import in_a_line
from feeds.client.mirror.settings import MirroredHub
from feeds.client.mirror.tables import log_fact
from feeds.client.verify.heads import BrokenLog, LogHead, check_round, follow, read_coverage
from feeds.client.verify.log_client import LogClient, NotSealedYet
from feeds.client.verify.verify import CheckedObject, Verdict, compare, read_object
from feeds.errors import Misconfigured, TryLater
from schemas.tlog import BadFormat, BadProof
from schemas.tlog.bag import ProvenObject
from schemas.tlog.entries import EntryKind, Opening, read_moment
from schemas.tlog.notes import VerifierKey
from schemas.tlog.proofs import open_checkpoint

# A hub signs published objects within two seconds; a sync waits this long for the signature.
_WAIT_SECONDS = 6.0
_PAUSE = 0.5
# At most this many unproven or left-out objects are stored and named in a line.
_MOST_NAMED, _IN_A_LINE = 1_000, 3


class LogMemory:
    """The stored state of one collection's log: its head, the place checked so far, and unproven objects."""

    def __init__(self, writer: CopyWriter, copy: CollectionCopy) -> None:
        self._writer = writer
        self._name = log_fact(copy.hub, copy.collection)
        self._fact: dict[str, Any] = writer.fact(self._name) or {}

    def head(self) -> bytes | None:
        """Return the newest signed checkpoint seen, None before the first."""
        note = self._fact.get("note")
        return b64decode(note) if note else None

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Store a checkpoint; only one process writes the file at a time."""
        if note != before:
            self._store(note=b64encode(note).decode())

    def store_seen(self, head: LogHead) -> None:
        """Store the size of a head, and its witnesses."""
        self._store(size=head.checkpoint.size, cosigned_by=list(head.cosigned_by), cosigned=head.cosigned)

    @property
    def unproven(self) -> dict[str, str]:
        """Return the objects that do not match the log: versions by id."""
        return dict(self._fact.get("unproven", {}))

    def store_checked(self, unproven: Mapping[str, str], up_to: str | None) -> None:
        """Store the ``date_added`` up to which everything was checked, and the unproven objects."""
        named = dict(list(unproven.items())[:_MOST_NAMED])
        self._store(unproven=named, **({"verified_up_to": up_to} if up_to else {}))

    @property
    def accounted(self) -> int:
        """Return when the hub last accounted for all entries, in milliseconds by our clock; 0 if it never did."""
        return int(self._fact.get("accounted", 0))

    @property
    def left_out(self) -> list[str]:
        """Return the first entries and objects that the hub left out."""
        return list(self._fact.get("left_out", []))

    def store_account(self, left_out: Sequence[str], number: int, at: int) -> None:
        """Store the first entries and objects that the hub left out, their number, and when this was found."""
        self._store(left_out=list(left_out[:_MOST_NAMED]), left_out_number=number, accounted=at)

    def store_verdict(self, verdict: str) -> None:
        """Store how the copy compares with its hub's digest."""
        self._store(verdict=verdict)

    def fault(self) -> str | None:
        """Describe the contradictions between log and hub, None if there are none."""
        faults = []
        if unproven := self.unproven:
            faults.append(f"{len(unproven)} objects differ from the log and are ignored by checks: {_some(unproven)}")
        if left_out := self.left_out:
            number = self._fact.get("left_out_number", len(left_out))
            faults.append(f"{number} log entries are left out by the hub: {_some(left_out)}")
        return "; ".join(faults) or None

    def _store(self, **parts: Any) -> None:
        changed = self._fact | parts
        if changed != self._fact:
            self._fact = changed
            self._writer.keep_fact(self._name, changed)


class LogCheck:
    """Checks the objects of one collection, page after page in order."""

    def __init__(self, hub: MirroredHub, log: LogClient, memory: LogMemory, after: str | None) -> None:
        """Follow the log, and check the objects added ``after`` a moment. Raises ``BrokenLog`` and ``TryLater``."""
        self._keys = [VerifierKey.parse(hub.ledger_key or "")]
        self._witnesses = [VerifierKey.parse(text) for text in hub.witness_keys]
        self._log = log
        self._memory = memory
        self._head: LogHead | None = None
        if memory.head() is not None:
            self._follow()
        self._after = after
        self._openings: Iterator[Opening] | None = None
        self._next: Opening | None = None

    def check(self, objects: Sequence[Any], place: Mapping[str, Any], *, is_first: bool) -> set[int]:
        """Return the positions of the objects of a page that do not match the log.

        Raises ``TryLater`` if the hub has not signed them yet, ``BrokenLog``, and ``Misconfigured``.
        """
        until = place.get("last") or place.get("added_after")
        unproven = {} if is_first else self._memory.unproven
        wanted = {number: read for number, obj in enumerate(objects) if (read := _read(obj)) is not None}
        if wanted and self._head is None:
            self._follow()
        found = self._read_openings({(read.id, read.micros) for read in wanted.values()}, until)
        failing = {number for number, obj in enumerate(objects) if isinstance(obj, dict)} - wanted.keys()
        for number, read in wanted.items():
            unproven.pop(read.id, None)
            if not self._is_proven(read, found.get((read.id, read.micros))):
                failing.add(number)
                unproven[read.id] = read.version
        self._check_notes(objects)
        if wanted or is_first:
            self._memory.store_checked(unproven, until)
        return failing

    def _check_notes(self, objects: Sequence[Any]) -> None:
        """Check the signed checkpoints among the objects that are notes. Raises ``BrokenLog``."""
        for obj in objects:
            if self._head is not None and isinstance(obj, dict) and obj.get("type") == "note":
                content = obj.get("content")
                if isinstance(content, str) and content.startswith(self._head.checkpoint.origin):
                    check_round(self._head, content.encode(errors="replace"), self._keys)

    def _read_openings(self, wanted: set[tuple[str, int]], until: str | None) -> dict[tuple[str, int], Opening]:
        """Return the openings of the entries of the wanted objects, for entries added up to a moment."""
        found: dict[tuple[str, int], Opening] = {}
        last = read_moment(until) if until else None
        if self._openings is None:
            self._openings = self._all_openings() if wanted else iter(())
        while len(found) < len(wanted):
            opening = self._next or next(self._openings, None)
            self._next = None
            if opening is None:
                break
            if last is not None and read_moment(opening.date_added) > last:
                self._next = opening
                break
            key = (opening.id or "", read_moment(opening.version) if opening.version else 0)
            if key in wanted:
                found[key] = opening
        return found

    def _all_openings(self) -> Iterator[Opening]:
        for page in self._log.openings(self._after):
            for opening in page.openings:
                if opening.kind in (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW):
                    yield opening

    def _is_proven(self, read: CheckedObject, opening: Opening | None) -> bool:
        """Return whether an object matches the log; wait until the hub has signed it."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                if opening is None:
                    # Other writers added entries, or a page was repeated: ask the log itself.
                    proof = self._log.proof(read.id, read.version or None)
                    if proof is None:
                        return False
                    opening = ProvenObject(read.body, proof).opening
                if self._head is not None and opening.index < self._head.checkpoint.size:
                    return compare(self._head, read, opening) is Verdict.PROVEN
            except NotSealedYet:
                pass
            except BadFormat:
                return False
            self._follow()
            if time.monotonic() > deadline:
                raise TryLater("the hub has not signed its newest objects yet: they are not applied")
            time.sleep(_PAUSE)

    def _follow(self) -> None:
        try:
            self._head = follow(self._log, self._keys, self._witnesses, self._memory)
        except Misconfigured as error:
            if self._memory.head() is None:
                raise
            raise BrokenLog(f"the log is gone: {error}") from error
        self._memory.store_seen(self._head)


def _some(ids: Iterable[str]) -> str:
    """Format some object ids for a log line."""
    return ", ".join(in_a_line(id_) for id_ in islice(ids, _IN_A_LINE))


def _read(obj: Any) -> CheckedObject | None:
    """Read an object as it was served, None if no log can contain it."""
    if not isinstance(obj, dict):
        return None
    try:
        body = orjson.dumps(obj)
    except TypeError:
        # Numbers beyond 64 bits, unpaired surrogates.
        body = json.dumps(obj).encode()
    try:
        return read_object(body)
    except (msgspec.MsgspecError, BadFormat, UnicodeDecodeError):
        return None


# Versions of objects by id that a copy lacks.
Lacking = Callable[[Sequence[tuple[str, str]]], list[str]]

_OBJECTS = (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW)
_AT_ONCE = 5_000
# For at most this many objects missing in the pages the hub is asked one by one.
_MOST_CONFIRMED = 200


def read_account(
    hub: MirroredHub, log: LogClient, memory: LogMemory, lacking: Lacking | None, up_to: str | None, at: int
) -> None:
    """Ask a hub to account for each log entry, and store which ones it left out, with the moment ``at``.

    With ``lacking``, each object that the log opens up to a ``date_added`` has to be in the copy as well. Raises
    ``TryLater`` during a removal, ``BrokenLog`` and ``Misconfigured``.
    """
    keys = [VerifierKey.parse(hub.ledger_key or "")]
    if memory.head() is None and not _has_entries(log, keys):
        return
    head = follow(log, keys, [VerifierKey.parse(text) for text in hub.witness_keys], memory)
    absent = _Absent(lacking, read_moment(up_to) if up_to else 0)
    coverage = read_coverage(log, head, absent.note)
    absent.look()
    if coverage.unsettled:
        raise TryLater("the hub is removing an object: its log is checked at the next sync")
    certain = [id_ for id_, version in absent.found.items() if not _is_older(log, id_, version)]
    number = coverage.missing + len(certain) + absent.more
    memory.store_account([f"entry {entry.place}" for entry in coverage.named] + certain, number, at)


class _Absent:
    """Objects that the log opens and the copy lacks: the first with id and version, and the number of the others."""

    def __init__(self, lacking: Lacking | None, last: int) -> None:
        self.found: dict[str, str] = {}
        self.more = 0
        self._lacking = lacking
        self._last = last
        self._batch: list[tuple[str, str]] = []

    def note(self, opening: Opening) -> None:
        if self._lacking is None or not opening.id or opening.kind not in _OBJECTS:
            return
        # The next sync reads the objects added after the copy was read.
        if read_moment(opening.date_added) <= self._last:
            self._batch.append((opening.id, opening.version or ""))
            if len(self._batch) >= _AT_ONCE:
                self.look()

    def look(self) -> None:
        """Ask the hub for the objects noted."""
        if self._lacking is not None and self._batch:
            versions = dict(self._batch)
            for id_ in dict.fromkeys(self._lacking(self._batch)):
                if id_ in self.found or len(self.found) < _MOST_CONFIRMED:
                    self.found[id_] = versions[id_]
                else:
                    self.more += 1
            self._batch.clear()


def _has_entries(log: LogClient, keys: Sequence[VerifierKey]) -> bool:
    """Return whether a hub has a log of the collection with entries: a log begins with the first object."""
    try:
        checkpoint, _ = open_checkpoint(log.checkpoint(), keys)
    except Misconfigured:
        return False
    except (BadFormat, BadProof):
        return True
    return checkpoint.size > 0


def _is_older(log: LogClient, id_: str, version: str) -> bool:
    """Return whether the hub serves the object in a form before STIX 2.1, which the pages leave out."""
    body = log.object(id_, version or None)
    try:
        return body is not None and orjson.loads(body).get("spec_version", "2.0") == "2.0"
    except (orjson.JSONDecodeError, AttributeError):
        return False
