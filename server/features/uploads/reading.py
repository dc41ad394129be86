"""A low-priority process that reads one uploaded file, with limits of memory and time, and stores its rows."""

import os
import resource
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from tempfile import NamedTemporaryFile
from typing import IO, Any, BinaryIO, NamedTuple, cast

import msgspec
import orjson

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.not_read import RefusedRows, unread
from feeds.mapping.preview import REFUSED, RowReader, UnderstoodRow
from feeds.mapping.rows import Reject, file_rows
from feeds.readers.columns.word_tables import use_custom_names
from feeds.readers.record_rows import detect_records
from feeds.readers.rows import Tally
from schemas.errors import Rejected
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import NamedColumn, State, Upload
from server.features.uploads.options import names_of, options_of
from server.features.uploads.rows import DraftRow, RowBlock
from server.store import Store, partners

# A person waits for it, but requests come first.
_NICENESS = 5
_MEMORY = 1 << 30
# Processor seconds for a file of a hundred mebibytes: ten times what its rows take.
SECONDS = 900
PIECE = 1 << 20
MOST_ROWS = 1_000_000
# Blocks stored in one transaction, and parts that were not read and are named.
_AT_ONCE, _MOST_NOT_READ = 20, 50
_TOO_MANY_ROWS = f"the file has more than {MOST_ROWS:,} rows; the others were not read: split the file"
_OF_RECORDS = (
    "the file has records such as outcomes or sightings, not reports: send it with scamfeed contribute or the API"
)
NO_ROWS = "the file has no rows"
_Edits = dict[tuple[str, int, int], DraftRow]


class _Lost(Exception):
    """The upload was discarded, changed or given to another worker."""


class _Given(NamedTuple):
    """The input of the process: the database, the upload and its holder, and the time zone of the hub."""

    url: str
    upload: str
    holder: str
    timezone: str


def store_file(store: Store, upload: str, file: IO[bytes]) -> None:
    """Store the bytes of a file, piece by piece, and let a worker read it. Raises ``UnknownUpload``."""
    number = 0
    while piece := file.read(PIECE):
        with store.begin() as tx:
            drafts.find(tx, upload)
            drafts.add_piece(tx, upload, number, zlib.compress(piece, 1))
        number += 1
    with store.begin() as tx:
        drafts.find(tx, upload)
        drafts.change(tx, upload, state=State.WAITING)


def begin(given: _Given) -> "subprocess.Popen[bytes]":
    """Begin a process that reads an upload, which its holder has leased."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if process.stdin is not None:
        # It contains the database's password: other users can see a process's arguments.
        process.stdin.write(orjson.dumps([*given]))
        process.stdin.close()
    return process


def begin_reading(url: str, upload: Upload, timezone: str) -> "subprocess.Popen[bytes]":
    """Begin a process that reads an upload, which its holder has leased."""
    return begin(_Given(url, upload.id, upload.holder, timezone))


def read(store: Store, upload: Upload, timezone: str) -> None:
    """Read a leased upload, store its rows beside those of an earlier reading, and let them apply."""
    with store.read() as tx:
        partner = partners.get(tx, upload.partner)
        remembered = drafts.named_columns(tx, upload.partner)
    reading = _Reading(store, upload, options_of(upload, partner, timezone), _edits(store, upload))
    with NamedTemporaryFile(prefix="scamfeed-") as file:
        _fetch(store, upload, file)
        file.seek(0)
        try:
            with use_custom_names(names_of(upload.settings, remembered)):
                reading.read(cast("BinaryIO", file))
            error = reading.error
        except (UnreadableFile, UnknownFormat, Rejected) as fault:
            error = str(fault)
        except OSError as fault:
            error = f"the file cannot be read: {fault.strerror}"
        except MemoryError:
            error = "this file needs too much memory: split it, or save its tables as CSV"
    reading.finish(error, remembered)


def _edits(store: Store, upload: Upload) -> _Edits:
    """Return the rows that a person changed, by their place in the file: they stay changed in the new reading."""
    found: _Edits = {}
    start = 0
    while upload.reading:
        with store.read() as tx:
            blocks = rows.blocks(tx, upload, start, _AT_ONCE, only="changed")
        for block in blocks:
            changed = (row for row in block.rows if row.corrected or row.state == rows.LEFT_OUT)
            found |= {(row.part, row.line, row.place): row for row in changed}
        if not blocks:
            break
        start = blocks[-1].number + 1
    return found


def _fetch(store: Store, upload: Upload, file: IO[bytes]) -> None:
    number = 0
    while True:
        with store.read() as tx:
            piece = drafts.piece(tx, upload.id, number)
        if piece is None:
            return
        file.write(zlib.decompress(piece))
        number += 1


class _Reading:
    """One reading of a file: it counts its rows, and stores them block by block."""

    def __init__(self, store: Store, upload: Upload, options: Any, edits: _Edits) -> None:
        self.error = ""
        self._store = store
        self._upload = upload
        self._options = options
        self._edits = edits
        self._tally = Tally()
        self._refused = RefusedRows()
        self._counts: Counter[str] = Counter()
        self._number = 0

    @property
    def _new(self) -> int:
        """The number of this reading; those of attempts that ended early are not used again."""
        return self._upload.reading + self._upload.attempts

    def read(self, file: BinaryIO) -> None:
        """Read the rows of a file. Raises ``UnreadableFile`` after the rows that can be read."""
        are_records, stream = detect_records(file)
        if are_records:
            raise UnreadableFile(_OF_RECORDS)
        waiting: list[RowBlock] = []
        try:
            for block in rows.in_blocks(self._rows(stream)):
                self._counts.update(rows.counts_of(block))
                waiting.append(RowBlock(self._number, block))
                self._number += 1
                if len(waiting) >= _AT_ONCE:
                    self._store_blocks(waiting, file.tell())
                    waiting = []
        finally:
            self._store_blocks(waiting, file.tell())

    def _rows(self, stream: BinaryIO) -> Iterator[DraftRow]:
        reader = RowReader(self._options)
        try:
            for number, row in enumerate(file_rows(stream, self._upload.name, self._options, self._tally)):
                if number >= MOST_ROWS:
                    self.error = _TOO_MANY_ROWS
                    return
                understood = self._edited(reader, reader.read(row))
                if understood.state == REFUSED:
                    self._refused.add(_reject(understood))
                yield understood
        except (UnreadableFile, UnknownFormat) as fault:
            self.error = str(fault)

    def _edited(self, reader: RowReader, read: UnderstoodRow) -> DraftRow:
        """Return a row with a person's changes at an earlier reading."""
        before = self._edits.get((read.part, read.line, read.place)) if self._edits else None
        if before is None:
            return rows.draft(read)
        if before.corrected:
            read = reader.again(read, before.fields)
        made = rows.draft(read)
        state = rows.LEFT_OUT if before.state == rows.LEFT_OUT else made.state
        return msgspec.structs.replace(made, state=state, corrected=before.corrected)

    def _store_blocks(self, waiting: list[RowBlock], done: int) -> None:
        with self._store.begin(in_passing=True) as tx:
            if not drafts.renew(tx, self._upload, done=min(done, self._upload.size)):
                raise _Lost
            rows.add(tx, self._upload.id, self._new, waiting)

    def finish(self, error: str, remembered: list[NamedColumn]) -> None:
        """Let the rows apply; without any, the upload has failed."""
        not_read = [found.as_dict() for found in unread(self._tally, self._refused)][:_MOST_NOT_READ]
        used = {column.shown: column.field for column in remembered}
        has_rows = bool(self._counts)
        report = drafts.UploadReport(dict(self._counts), not_read, used, error or ("" if has_rows else NO_ROWS))
        values: dict[str, Any] = {"state": State.READY if has_rows else State.FAILED, "report": report}
        values |= {"reading": self._new, "attempts": 0, "holder": "", "lease": 0, "done": 0}
        with self._store.begin() as tx:
            if not drafts.renew(tx, self._upload, **values):
                raise _Lost


def _reject(row: UnderstoodRow) -> Reject:
    return Reject("", row.line, row.raw, row.kind or None, row.reason, row.message, part=row.part)


def _limit() -> None:
    for which, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def main() -> None:
    """Read the upload that standard input names."""
    os.nice(_NICENESS)
    _limit()
    given = _Given(*orjson.loads(sys.stdin.buffer.read()))
    store = Store.open(given.url)
    try:
        with store.read() as tx:
            upload = drafts.find(tx, given.upload)
        if upload.holder == given.holder and upload.state is State.WAITING:
            read(store, upload, given.timezone)
    except (_Lost, drafts.UnknownUpload):
        pass
    finally:
        store.close()


if __name__ == "__main__":
    main()
