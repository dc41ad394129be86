"""Upload a file, say how to read it, correct its rows, send them, and discard it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

import msgspec
from pydantic import Field, SkipValidation

from feeds.mapping.preview import DUPLICATE, READY, RowReader
from feeds.mapping.rows import Duplicate, Mapped, Reject
from schemas.errors import Rejected
from schemas.partner import Partner
from server.features.reports.operations import Contribute
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import DAYS, NamedColumn, State, Upload, UploadChanged, UploadSettings
from server.features.uploads.options import fields, heading_key
from server.features.uploads.rows import DraftRow, RowBlock, RowPlace
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PARTNER_WRITERS
from server.release.hub import Hub
from server.release.results import Result, Results, Unpublished
from server.release.submission import Prepared
from server.store import inbox, partners, quotas
from server.store.database.engine import Tx
from server.store.database.times import now

_DAY = 86_400
_DAY_MICROSECONDS = _DAY * 1_000_000
# Of one partner: uploads that are not sent, all that are kept, and mebibytes that it may upload in a day.
MOST_OPEN, MOST_KEPT, MOST_MEBIBYTES = 10, 100, 2_048
MOST_COLUMNS, MOST_CHANGED = 200, 5_000
_MEBIBYTE = 1 << 20
_TOO_MANY = (
    "too-many-uploads",
    f"your organisation has {MOST_OPEN} files that are not sent: send or discard one of them first",
)
_TOO_MUCH = (
    "too-much-uploaded",
    f"your organisation has uploaded {MOST_MEBIBYTES:,} MiB within a day, the most that is allowed: try again tomorrow",
)
_NOT_OPEN = "the file is being read or sent, or was sent: open it again"
_NO_FIELD = ("unknown-field", "there is no such field for a column: choose one of the list")
_TOO_MANY_COLUMNS = (
    "too-many-columns",
    f"at most {MOST_COLUMNS} columns of a file can be named here: name the others in the file itself",
)
_NO_ROWS = ("nothing-to-send", "the file has no row that can be sent: correct a row first, or discard the file")
_TOO_MANY_CHANGES = (
    "too-many-changes",
    f"at most {MOST_CHANGED:,} rows of a file can be changed here: change the others in the file itself",
)


class _OnUploads(Operation[Upload]):
    """The parts of operations on one upload."""

    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    what: ClassVar[str] = "upload"

    partner: Partner = Field(description="the partner whose upload it is")
    id: str = Field(description="the id of the upload")

    def acts_for(self) -> str | None:
        """Return the partner whose upload it is."""
        return self.partner.name

    def entries(self, result: Upload) -> Iterable[TrailEntry]:
        """Return an entry with the id of the upload."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=result.id)]

    def _open(self, tx: Tx) -> Upload:
        """Return the upload if its rows can be changed. Raises ``UnknownUpload`` and ``UploadChanged``."""
        upload = drafts.find(tx, self.id, self.partner.name)
        if not upload.is_open:
            raise UploadChanged(_NOT_OPEN)
        return upload


class AddUpload(Operation[Upload]):
    """Upload a file of reports; its bytes are stored afterwards, and then it is read."""

    name: ClassVar[str] = "upload add"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "upload"

    partner: Partner = Field(description="the partner in whose name the file is uploaded")
    file_name: str = Field(max_length=100, description="the name of the file, for its reader and for people")
    size: int = Field(ge=1, description="the bytes of the file")
    settings: UploadSettings = Field(description="what the rows of the file do not say themselves")

    def acts_for(self) -> str | None:
        """Return the partner in whose name the file is uploaded."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Add the upload, within the limits of the partner. Raises ``Rejected``."""
        # Uploads of one partner are added one after the other, because its limits apply to all of them.
        partners.lock(tx, [self.partner.name])
        held = drafts.held(tx, self.partner.name)
        if held.open >= MOST_OPEN or held.all >= MOST_KEPT:
            raise Rejected(*_TOO_MANY)
        size = -(-self.size // _MEBIBYTE)
        if quotas.charge(tx, self.partner.counts_as, "upload-mebibytes", size, limit=MOST_MEBIBYTES, seconds=_DAY):
            raise Rejected(*_TOO_MUCH)
        return drafts.find(tx, drafts.add(tx, self.partner.name, actor, self.file_name, self.size, self.settings))

    def entries(self, result: Upload) -> Iterable[TrailEntry]:
        """Return an entry with the id of the upload."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=result.id)]


class SetUpload(_OnUploads):
    """Say how to read an uploaded file, and read it again; the chosen columns are remembered for the partner."""

    name: ClassVar[str] = "upload set"
    verb: ClassVar[str] = "SET"

    settings: UploadSettings = Field(
        description="what the rows do not say themselves, and the fields of unknown columns"
    )

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Store the settings and the columns. Raises ``UnknownUpload``, ``UploadChanged`` and ``Rejected``."""
        upload = self._open(tx)
        if not upload.has_file:
            raise UploadChanged("the file itself is no longer stored: upload it again")
        known = fields()
        if any(field not in known for field in self.settings.columns.values()):
            raise Rejected(*_NO_FIELD)
        columns = {**upload.settings.columns, **self.settings.columns}
        if len(columns) > MOST_COLUMNS:
            raise Rejected(*_TOO_MANY_COLUMNS)
        named = {column.heading for column in drafts.named_columns(tx, self.partner.name)}
        for shown, field in self.settings.columns.items():
            heading = heading_key(shown)
            if heading and (heading in named or len(named) < MOST_COLUMNS):
                drafts.name_column(tx, self.partner.name, NamedColumn(heading, shown, field, actor.name, now()))
                named.add(heading)
        settings = msgspec.structs.replace(self.settings, columns=columns)
        drafts.change(tx, upload.id, settings=settings, state=State.WAITING, attempts=0, lease=0, done=0)
        return drafts.find(tx, upload.id)


class CorrectRow(_OnUploads):
    """Correct the cells of one row of an uploaded file."""

    name: ClassVar[str] = "upload correct"
    verb: ClassVar[str] = "CORRECT"

    place: RowPlace = Field(description="the block of the row, and its position in it")
    cells: dict[str, str] = Field(description="the cells by the columns of reports; empty ones are removed")
    reader: SkipValidation[RowReader] = Field(repr=False, description="understands rows by the settings of the upload")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Store the row as it is understood now. Raises ``UnknownUpload`` and ``UploadChanged``."""
        upload = self._open(tx)
        found = rows.find(tx, upload, self.place)
        if found is None:
            raise UploadChanged(_NOT_OPEN)
        block, row = found
        _check_changes(tx, upload, 1)
        understood = self.reader.again(row, {name: text for name, text in self.cells.items() if text})
        made = msgspec.structs.replace(rows.draft(understood), corrected=True)
        return _changed(tx, upload, block, rows.with_row(block, self.place, made))


class LeaveOutRows(_OnUploads):
    """Leave rows of an uploaded file out, or take them in again."""

    name: ClassVar[str] = "upload leave-out"
    verb: ClassVar[str] = "LEAVE-OUT"

    places: tuple[RowPlace, ...] = Field(max_length=1_000, description="the blocks of the rows, and their positions")
    takes_in: bool = Field(False, description="take the rows in again")
    reader: SkipValidation[RowReader] = Field(repr=False, description="understands rows by the settings of the upload")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Store the rows. Raises ``UnknownUpload`` and ``UploadChanged``."""
        upload = self._open(tx)
        _check_changes(tx, upload, len(self.places))
        for number, places in groupby(sorted(set(self.places)), key=lambda place: place.block):
            upload = self._change(tx, upload, number, [place.position for place in places])
        return upload

    def _change(self, tx: Tx, upload: Upload, number: int, positions: Sequence[int]) -> Upload:
        """Store rows of one block, at these positions in order; return the upload. Raises ``UploadChanged``."""
        found = rows.find(tx, upload, RowPlace(number, positions[-1]))
        if found is None or positions[0] < 0:
            raise UploadChanged(_NOT_OPEN)
        block, after = found[0], list(found[0].rows)
        for position in positions:
            after[position] = self._changed_row(after[position])
        return _changed(tx, upload, block, RowBlock(number, after))

    def _changed_row(self, row: DraftRow) -> DraftRow:
        if not self.takes_in:
            return msgspec.structs.replace(row, state=rows.LEFT_OUT)
        made = rows.draft(self.reader.again(row, row.fields)) if row.fields else row
        return msgspec.structs.replace(made, corrected=row.corrected)


class SendUpload(_OnUploads):
    """Send the rows of an uploaded file: the hub contributes them in the name of the partner."""

    name: ClassVar[str] = "upload send"
    verb: ClassVar[str] = "SEND"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Let a worker contribute the rows. Raises ``UnknownUpload``, ``UploadChanged`` and ``Rejected``."""
        upload = self._open(tx)
        if not upload.report.counts.get(READY, 0):
            raise Rejected(*_NO_ROWS)
        values: dict[str, Any] = {"by": actor.name, "role": actor.right}
        # The file itself is no longer needed.
        values |= {"state": State.SENDING, "has_file": False, "attempts": 0, "lease": 0, "done": 0}
        drafts.change(tx, upload.id, **values)
        return drafts.find(tx, upload.id)


class DiscardUpload(_OnUploads):
    """Discard an uploaded file with its rows; rows that were sent stay reported."""

    name: ClassVar[str] = "upload discard"
    verb: ClassVar[str] = "DISCARD"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Upload:
        """Let the upload be removed. Raises ``UnknownUpload``."""
        upload = drafts.find(tx, self.id, self.partner.name)
        drafts.change(tx, upload.id, state=State.GONE, has_file=False, holder="")
        return upload


class ForgetColumn(Operation[bool]):
    """Forget the field of a column that the partner named for its files."""

    name: ClassVar[str] = "upload forget-column"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = "FORGET"
    what: ClassVar[str] = "column"

    partner: Partner = Field(description="the partner that named the column")
    heading: str = Field(max_length=200, description="the heading of the column")

    def acts_for(self) -> str | None:
        """Return the partner that named the column."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> bool:
        """Forget it; return whether it was known."""
        return drafts.forget_column(tx, self.partner.name, self.heading)

    def entries(self, result: bool) -> Iterable[TrailEntry]:
        """Return an entry if it was known."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name)] if result else ()


class SentRows(NamedTuple):
    """The number of blocks that are contributed, and whether these are all."""

    done: int
    is_over: bool


# Returns the outcome of each contributed row by its place in the blocks, for the results of the unpublished objects.
Judge = Callable[
    [Mapping[str, tuple[Result, Unpublished]]], Sequence[tuple[tuple[int, int], Mapped | Duplicate | Reject]]
]


class SendRows(Operation[SentRows]):
    """Contribute the next rows of an upload that a person sent, and store their results; the hub's workers do it."""

    name: ClassVar[str] = "upload send-rows"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = Contribute.verb
    what: ClassVar[str] = Contribute.what

    partner: Partner = Field(description="the partner in whose name the rows are contributed")
    upload: Upload = Field(description="the upload, as the worker leased it")
    start: int = Field(description="the number of blocks that were contributed before")
    blocks: SkipValidation[tuple[RowBlock, ...]] = Field(
        description="the blocks of the rows; none: all are contributed"
    )
    parts: SkipValidation[Sequence[Prepared]] = Field(description="the objects, parsed before the transaction")
    judge: SkipValidation[Judge] = Field(repr=False, description="judges the rows by the results of the objects")

    def acts_for(self) -> str | None:
        """Return the partner in whose name the rows are contributed."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> SentRows:
        """Store and release the objects, with the results. Raises ``UnknownUpload`` and ``UploadChanged``."""
        upload = drafts.find(tx, self.upload.id, self.partner.name)
        if (upload.state, upload.holder, upload.done) != (State.SENDING, self.upload.holder, self.start):
            raise UploadChanged("another worker sends this upload")
        if not self.blocks:
            ends = now() + DAYS * _DAY_MICROSECONDS
            sent = {"state": State.SENT, "expires": ends, "holder": "", "lease": 0, "report": _without_wait(upload)}
            drafts.change(tx, upload.id, **sent)
            return SentRows(self.start, is_over=True)
        results = Contribute(partner=self.partner, parts=self.parts).apply(hub, tx, actor)
        self._note_objects(tx, upload, results)
        report, done = self._store_results(tx, upload, results.unpublished())
        drafts.renew(tx, upload, done=done, report=report)
        return SentRows(done, is_over=False)

    def entries(self, result: SentRows) -> Iterable[TrailEntry]:
        """Return none: the entry of a contribution is in the chain of the inbox."""
        return ()

    def _note_objects(self, tx: Tx, upload: Upload, results: Results) -> None:
        """Note the objects of these rows, so that a person can select all reports of the file for one decision."""
        published = [(done.id, True) for done in results.accepted]
        pending = [(done.id, False) for done in results.pending]
        inbox.save_upload_status(tx, upload.id, self.start, self.partner.name, published + pending)

    def _store_results(
        self, tx: Tx, upload: Upload, unpublished: Mapping[str, tuple[Result, Unpublished]]
    ) -> tuple[drafts.UploadReport, int]:
        """Store the result of each row; return the report with the counts, and the next block."""
        made = [RowBlock(block.number, list(block.rows)) for block in self.blocks]
        report = _without_wait(upload)
        counts, messages = dict(report.counts), dict(report.messages)
        reasons = {state: dict(found) for state, found in report.reasons.items()}
        for (number, position), outcome in self.judge(unpublished):
            row = rows.with_result(made[number].rows[position], outcome)
            made[number].rows[position] = row
            if row.reason and row.state != DUPLICATE:
                of_state = reasons.setdefault(row.state, {})
                of_state[row.reason] = of_state.get(row.reason, 0) + 1
                messages.setdefault(row.reason, row.message)
        for before, after in zip(self.blocks, made, strict=True):
            rows.replace(tx, upload, after)
            counts = rows.changed_by(counts, before.rows, after.rows)
        return msgspec.structs.replace(report, counts=counts, reasons=reasons, messages=messages), made[-1].number + 1


def _without_wait(upload: Upload) -> drafts.UploadReport:
    return msgspec.structs.replace(upload.report, waits=0)


def _check_changes(tx: Tx, upload: Upload, more: int) -> None:
    if rows.number_of_changed(tx, upload) + more > MOST_CHANGED:
        raise Rejected(*_TOO_MANY_CHANGES)


def _changed(tx: Tx, upload: Upload, before: RowBlock, after: RowBlock) -> Upload:
    """Store a changed block, with the counts; return the upload."""
    rows.replace(tx, upload, after)
    counts = rows.changed_by(upload.report.counts, before.rows, after.rows)
    report = msgspec.structs.replace(upload.report, counts=counts)
    drafts.change(tx, upload.id, report=report)
    return upload._replace(report=report)
