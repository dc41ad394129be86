"""Check what a sync reads of a collection against the collection's log, before it is applied.

The log is followed from the head that the file remembers. An object that it does not have as it is is kept without its
value: nothing is found by it, and the status names it.
"""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from feeds.connector import Misconfigured, TryLater
from feeds.ledger.heads import BrokenLog, LogHead, check_round, follow
from feeds.ledger.log_client import LogClient, NotSealedYet
from feeds.ledger.verify import CheckedObject, Verdict, compare, read_object
from feeds.mirror.copies import CollectionCopy, CopyWriter
from feeds.mirror.settings import MirroredHub
from feeds.mirror.tables import log_fact
from schemas.ledger.entries import EntryKind, Opening, read_moment
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import VerifierKey
from schemas.proof.object_bag import ProvenObject

# A hub signs what it publishes within two seconds; so long a sync waits for that.
_WAIT_SECONDS = 6.0
_PAUSE = 0.5
# So many objects that the log does not have are named.
_MOST_NAMED = 1_000


class LogMemory:
    """The file's memory of the log of one collection: its head, up to where it was checked, and what was not proven."""

    def __init__(self, writer: CopyWriter, copy: CollectionCopy) -> None:
        """Read what the file has."""
        self._writer = writer
        self._name = log_fact(copy.hub, copy.collection)
        self._fact: dict[str, Any] = writer.fact(self._name) or {}

    def head(self) -> bytes | None:
        """Return the signed checkpoint that was seen last, None at the first."""
        note = self._fact.get("note")
        return b64decode(note) if note else None

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Remember a checkpoint; one process at a time writes the file."""
        if note != before:
            self._store(note=b64encode(note).decode())

    def store_seen(self, head: LogHead) -> None:
        """Remember the size of a head, and who cosigned it."""
        self._store(size=head.checkpoint.size, cosigned_by=list(head.cosigned_by), cosigned=head.cosigned)

    @property
    def unproven(self) -> dict[str, str]:
        """Return the objects, by their ids with the versions, that the log does not have as they are."""
        return dict(self._fact.get("unproven", {}))

    def store_checked(self, unproven: Mapping[str, str], up_to: str | None) -> None:
        """Remember up to which ``date_added`` all was checked, and what of that was not proven."""
        named = dict(list(unproven.items())[:_MOST_NAMED])
        self._store(unproven=named, **({"verified_up_to": up_to} if up_to else {}))

    def _store(self, **parts: Any) -> None:
        changed = self._fact | parts
        if changed != self._fact:
            self._fact = changed
            self._writer.keep_fact(self._name, changed)


class LogCheck:
    """Checks the objects of one collection, page after page in their order."""

    def __init__(self, hub: MirroredHub, log: LogClient, memory: LogMemory, after: str | None) -> None:
        """Follow the log, and check what was added ``after`` a moment. Raises ``BrokenLog`` and ``TryLater``."""
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
        """Return which objects of a page, by their numbers, the log does not have as they are.

        Raises ``TryLater`` where the hub has not signed them yet, ``BrokenLog``, and ``Misconfigured``.
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
        """Check the signed checkpoints that are among the objects, as notes. Raises ``BrokenLog``."""
        for obj in objects:
            if self._head is not None and isinstance(obj, dict) and obj.get("type") == "note":
                content = obj.get("content")
                if isinstance(content, str) and content.startswith(self._head.checkpoint.origin):
                    check_round(self._head, content.encode(errors="replace"), self._keys)

    def _read_openings(self, wanted: set[tuple[str, int]], until: str | None) -> dict[tuple[str, int], Opening]:
        """Return what opens the entries of objects, of what was added up to a moment."""
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
        """Return whether the log has an object as it is; wait until the hub has signed it."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                if opening is None:
                    # Others write meanwhile, or a page began again: the log itself knows.
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
                raise TryLater("the hub has not signed yet what it publishes: nothing of it is applied")
            time.sleep(_PAUSE)

    def _follow(self) -> None:
        try:
            self._head = follow(self._log, self._keys, self._witnesses, self._memory)
        except Misconfigured as error:
            if self._memory.head() is None:
                raise
            raise BrokenLog(f"the log is gone: {error}") from error
        self._memory.store_seen(self._head)


def _read(obj: Any) -> CheckedObject | None:
    """Return an object as it was served, None for what can be in no log."""
    if not isinstance(obj, dict):
        return None
    try:
        body = orjson.dumps(obj)
    except TypeError:
        # Numbers beyond 64 bits, halves of letters.
        body = json.dumps(obj).encode()
    try:
        return read_object(body)
    except (msgspec.MsgspecError, BadFormat, UnicodeDecodeError):
        return None
