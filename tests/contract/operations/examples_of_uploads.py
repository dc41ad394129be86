"""Examples of uploads: a file with two rows, read and waiting for a person."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from feeds.mapping.contribute import items_of, judged
from feeds.mapping.preview import RowReader, preview, rows_of
from feeds.mapping.rows import Mapped, grouped, new_values
from feeds.mapping.seen import SeenValues
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import NamedColumn, State, Upload, UploadSettings
from server.features.uploads.operations import (
    AddUpload,
    CorrectRow,
    DiscardUpload,
    ForgetColumn,
    LeaveOutRows,
    SendRows,
    SendUpload,
    SetUpload,
)
from server.features.uploads.options import options_of
from server.features.uploads.rows import RowBlock, RowPlace
from server.operations.operation import Act, Actor
from server.release.contribute import prepare_all
from server.release.hub import Hub
from server.store import partners
from tests import operators_desk as desk

_FILE = b"domain\nfirst-upload.example.com\nsecond-upload.example.com\n"
_HOLDER = "worker"
_SETTINGS = UploadSettings(country="TH", columns={"Memo": "reference"})


def _read(hub: Hub, state: State = State.READY) -> Upload:
    """Store a file that was read."""
    with hub.store.begin() as tx:
        actor = Actor("Somebody", "partner-writer", desk.REPORTER)
        id_ = drafts.add(tx, desk.REPORTER, actor, "rows.csv", len(_FILE), UploadSettings(country="TH"))
        options = options_of(drafts.find(tx, id_), partners.get(tx, desk.REPORTER), "")
        found = [rows.draft(row) for row in preview(BytesIO(_FILE), "rows.csv", options)]
        rows.add(tx, id_, 1, [RowBlock(0, found)])
        report = drafts.UploadReport(counts=dict(rows.counts_of(found)))
        drafts.change(tx, id_, state=state, reading=1, report=report, holder=_HOLDER)
        return drafts.find(tx, id_)


def _parts(hub: Hub, state: State = State.READY) -> dict[str, Any]:
    upload = _read(hub, state)
    with hub.store.read() as tx:
        return {"partner": partners.get(tx, desk.REPORTER), "id": upload.id}


def _reader(hub: Hub) -> RowReader:
    with hub.store.read() as tx:
        upload = drafts.of_partner(tx, desk.REPORTER)[0]
        return RowReader(options_of(upload, partners.get(tx, desk.REPORTER), ""))


def _add(hub: Hub) -> Act[Any]:
    with hub.store.read() as tx:
        partner = partners.get(tx, desk.REPORTER)
    return AddUpload(partner=partner, file_name="rows.csv", size=len(_FILE), settings=UploadSettings())


def _correct(hub: Hub) -> Act[Any]:
    parts = _parts(hub)
    return CorrectRow(**parts, place=RowPlace(0, 1), cells={"value": "other.example.com"}, reader=_reader(hub))


def _leave_out(hub: Hub) -> Act[Any]:
    parts = _parts(hub)
    return LeaveOutRows(**parts, places=(RowPlace(0, 0),), reader=_reader(hub))


def _forget(hub: Hub) -> Act[Any]:
    with hub.store.begin() as tx:
        drafts.name_column(tx, desk.REPORTER, NamedColumn("memo", "Memo", "reference", "Somebody", 1))
        return ForgetColumn(partner=partners.get(tx, desk.REPORTER), heading="memo")


def _send_rows(hub: Hub) -> Act[Any]:
    upload = _read(hub, State.SENDING)
    with hub.store.read() as tx:
        partner = partners.get(tx, desk.REPORTER)
        blocks = rows.blocks(tx, upload, 0, 10)
    options = options_of(upload, partner, "")
    outcomes = list(new_values(grouped(rows_of(blocks[0].rows), "", options), SeenValues(), options.profile))
    items = items_of(options, [outcome for outcome in outcomes if isinstance(outcome, Mapped)])
    return SendRows(
        partner=partner,
        upload=upload,
        start=0,
        blocks=tuple(blocks),
        parts=list(prepare_all(hub, items)),
        judge=lambda unpublished: [
            ((0, position), judged(outcome, "", unpublished)) for position, outcome in enumerate(outcomes)
        ],
    )


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "upload add": _add,
    "upload set": lambda hub: SetUpload(
        **_parts(hub), settings=UploadSettings(country="TH", columns={"Memo": "reference"})
    ),
    "upload correct": _correct,
    "upload leave-out": _leave_out,
    "upload send": lambda hub: SendUpload(**_parts(hub)),
    "upload send-rows": _send_rows,
    "upload discard": lambda hub: DiscardUpload(**_parts(hub)),
    "upload forget-column": _forget,
}
