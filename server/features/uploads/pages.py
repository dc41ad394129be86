"""The pages on which a partner's user sends a file: upload it, see its rows, correct them, send them."""

import os
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from flask import Response
from pydantic import ValidationError

from feeds.mapping.options import Options, ReportSettings
from feeds.mapping.preview import REFUSED, RowReader
from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.text import escaped, visible
from schemas.vocabulary import ScamType, Tlp
from server.features.uploads import drafts, faults, reading, rows
from server.features.uploads.drafts import State, UnknownUpload, Upload, UploadChanged, UploadSettings
from server.features.uploads.operations import (
    AddUpload,
    CorrectRow,
    DiscardUpload,
    ForgetColumn,
    LeaveOutRows,
    SendUpload,
    SetUpload,
)
from server.features.uploads.options import options_of
from server.features.uploads.rows import DraftRow, RowPlace
from server.features.uploads.words import FIELDS, FILTERS, REASONS, STATES, ShownRow, shown
from server.operations.operation import Operation
from server.operations.rights import PARTNER_WRITERS
from server.operations.run import run
from server.store import StoreUnavailable
from server.store.database.engine import Tx
from server.web.shell.forms import Refusals, own_partner, refusing
from server.web.shell.hub_texts import text_of
from server.web.shell.lists import asked, csv_line, link
from server.web.shell.routes import BOTH, FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark
from server.web.taxii.auth import writable
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import MAX_CONTENT_LENGTH

_PATH = "/partner/report/file"
_LONGEST_NAME, _LONGEST_CELL, _LONGEST_HEADING = 100, 4_096, 200
_BLOCKS_OF_PAGE, _BLOCKS_OF_FILE = 20, 20
_COLUMNS = ("sheet", "line", "state", "value", "kind", "reason", "message", "cells")
_NO_FILE = mark("Choose a file first.")
_EMPTY = mark("The file is empty.")
_NO_UPLOAD = mark("There is no such file, or it has expired.")
_CHANGED = mark("The file is being read or sent at the moment, or has changed. Nothing was changed. Open it again.")
_NOT_KEPT = mark("This setting is not known. Choose one of the list, and write a country in two letters, such as TH.")
_NO_ROWS = mark("Choose at least one row.")
_MAY_NOT = mark("Your organisation may not contribute to this hub at present. Ask the operator.")
_REFUSALS: Refusals = {UnknownUpload: (404, _NO_UPLOAD), UploadChanged: (409, _CHANGED)}
_IN_PROGRESS = (State.RECEIVING, State.WAITING, State.SENDING)


def show_all(visit: Visit, problem: str = "", status: int = 200) -> Response:
    """Show the form for a file, and the files of the partner's users."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = drafts.of_partner(tx, partner.name)
        columns = drafts.named_columns(tx, partner.name)
        may_send = _may_contribute(tx, partner)
    given = {name: visit.field(name, 64) for name in UploadSettings.__struct_fields__}
    if visit.request.method == "GET":
        given["country"] = partner.country or ""
    return visit.page(
        "partner/uploads.html",
        status,
        uploads=found,
        columns=columns,
        given=given,
        problem=problem or ("" if may_send else visit.text(_MAY_NOT)),
        may_send=may_send,
        states=STATES,
        fields=FIELDS,
        most=MAX_CONTENT_LENGTH >> 20,
        days=drafts.DAYS,
        **_choices(),
    )


def upload(visit: Visit) -> Response:
    """Show the form for a file, or store the file that was sent, and let the hub read it."""
    if visit.request.method == "GET":
        return show_all(visit)
    file = visit.request.files.get("file")
    if file is None or not file.filename:
        return show_all(visit, visit.text(_NO_FILE), 422)
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    if not size:
        return show_all(visit, visit.text(_EMPTY), 422)
    if size > MAX_CONTENT_LENGTH:
        raise PageRefused(413, "")
    try:
        settings = _settings(visit)
        with visit.site.hub.store.read() as tx:
            partner = own_partner(visit, tx)
            if not _may_contribute(tx, partner):
                return show_all(visit, visit.text(_MAY_NOT), 403)
        operation = AddUpload(partner=partner, file_name=file_name(file.filename), size=size, settings=settings)
        added = run(visit.site.hub, operation, visit.actor)
    except Rejected as refusal:
        return show_all(visit, text_of(visit.language, refusal), 422)
    reading.store_file(visit.site.hub.store, added.id, file.stream)
    return visit.go(f"{_PATH}/{added.id}")


def file_name(given: str) -> str:
    """Return the name of a file without its folders, on one line, and not too long; its ending stays."""
    name = PurePosixPath(visible(given).replace("\\", "/")).name.strip()
    name = escaped(name) if name.strip(".") else "file"
    if len(name) <= _LONGEST_NAME:
        return name
    ending = PurePosixPath(name).suffix[:10]
    return name[: _LONGEST_NAME - len(ending) - 1] + "…" + ending


def show(visit: Visit, id: str, problem: str = "", status: int = 200) -> Response:
    """Show a file: how far it is read or sent, its rows as understood, or its results."""
    only = asked(visit, "only")
    only = only if only in FILTERS else ""
    start = asked(visit, "after", 9)
    with visit.site.hub.store.read() as tx, refusing(_REFUSALS):
        partner = own_partner(visit, tx)
        found = drafts.find(tx, id, partner.name)
        page, following = _page_of_rows(tx, found, only, int(start) if start.isdecimal() else 0)
        blocks = rows.number_of_blocks(tx, found) if found.state is State.SENDING else 0
    if visit.is_partial and found.state not in _IN_PROGRESS:
        # The whole page is another one by now.
        return visit.page("partner/upload.html", 200, (("HX-Refresh", "true"),), **_values(found, [], 0))
    values = _values(found, page, blocks)
    here = f"{_PATH}/{found.id}"
    return visit.page(
        "partner/upload.html",
        status,
        **values,
        only=only,
        problem=problem,
        is_first=not start,
        here_path=here,
        following=link(here, only=only, after=following) if following else "",
        **_choices(),
    )


def _values(found: Upload, page: list[ShownRow], blocks: int) -> dict[str, Any]:
    """Return what a template needs of an upload."""
    counts = Counter(found.report.counts)
    not_read = found.report.not_read
    whole = blocks if found.state is State.SENDING else found.size
    return {
        "advice": faults.advice(found.report.error),
        "upload": found,
        "in_progress": found.state in _IN_PROGRESS,
        "counts": counts,
        "unknown": [part for part in not_read if part["what"] == "column"],
        "not_read": [part for part in not_read if part["what"] in ("cells", "text")],
        "refused_groups": [part for part in not_read if part["what"] == "rows"],
        "rows": page,
        "percent": min(100, found.done * 100 // whole) if whole else 0,
        "states": STATES,
        "fields": FIELDS,
        "filters": FILTERS,
        "reasons": REASONS,
        "path": f"{_PATH}/{found.id}",
    }


def _page_of_rows(tx: Tx, found: Upload, only: str, start: int) -> tuple[list[ShownRow], int]:
    """Return a page of rows, and the block that the next one begins with; 0 after the last."""
    if found.state in _IN_PROGRESS or not found.reading:
        return [], 0
    page: list[ShownRow] = []
    for block in rows.blocks(tx, found, start, _BLOCKS_OF_PAGE, only=only):
        if len(page) >= rows.BLOCK:
            return page, block.number
        for position, row in enumerate(block.rows):
            if not only or FILTERS[only].takes(row):
                page.append(shown(RowPlace(block.number, position), row))
        start = block.number + 1
    more = rows.blocks(tx, found, start, 1, only=only) if page else []
    return page, more[0].number if more else 0


def set_up(visit: Visit, id: str) -> Response:
    """Read a file again with other settings, and with the fields of its unknown columns."""
    names = [text for text in visit.request.form.getlist("column") if 0 < len(text) <= _LONGEST_HEADING]
    chosen = [text for text in visit.request.form.getlist("field") if len(text) <= _LONGEST_HEADING]
    try:
        columns = {name: field for name, field in zip(names, chosen, strict=False) if field}
        settings = _settings(visit, columns)
        _run(visit, partial(SetUpload, id=id, settings=settings))
    except Rejected as refusal:
        return show(visit, id, text_of(visit.language, refusal), 422)
    return visit.go(f"{_PATH}/{id}")


def correct(visit: Visit, id: str, place: str) -> Response:
    """Show the cells of a row, or store them as a person corrected them."""
    where = _place(place)
    if where is None:
        raise PageRefused(404, _NO_UPLOAD)
    with visit.site.hub.store.read() as tx, refusing(_REFUSALS):
        partner = own_partner(visit, tx)
        found = drafts.find(tx, id, partner.name)
        known = rows.find(tx, found, where)
    if known is None or not found.is_open:
        raise PageRefused(404, _NO_UPLOAD)
    _, row = known
    if visit.request.method == "GET":
        return _row_page(visit, found, shown(where, row), row.fields)
    cells = {name: visit.field(f"cell-{name}", _LONGEST_CELL) for name in (*FIELDS, *row.fields)}
    operation = partial(CorrectRow, id=id, place=where, cells=cells, reader=_reader(visit, found, partner))
    try:
        changed = _run(visit, operation)
    except Rejected as refusal:
        return _row_page(visit, found, shown(where, row), cells, text_of(visit.language, refusal), 422)
    with visit.site.hub.store.read() as tx:
        after = rows.find(tx, changed, where)
    if after is not None and after[1].state == REFUSED:
        # The row is stored, and the page says why it is still refused.
        return _row_page(visit, changed, shown(where, after[1]), after[1].fields, status=422)
    return visit.go(link(f"{_PATH}/{id}", after=where.block or "", only=asked(visit, "only")))


def _row_page(
    visit: Visit, found: Upload, row: ShownRow, cells: Mapping[str, str], problem: str = "", status: int = 200
) -> Response:
    value = () if "account_number" in cells or "iban" in cells else ("value",)
    usual = (*value, "kind", "bank", "country", "reported_at", "scam_type", "description")
    names = list(dict.fromkeys([*(name for name in FIELDS if name in cells), *usual, *cells]))
    return visit.page(
        "partner/upload_row.html",
        status,
        upload=found,
        row=row,
        cells=cells,
        names=names,
        problem=problem,
        fields=FIELDS,
        states=STATES,
        only=asked(visit, "only"),
        path=f"{_PATH}/{found.id}",
        **_choices(),
    )


def leave_out(visit: Visit, id: str) -> Response:
    """Leave the chosen rows out, or take them in again."""
    places = tuple(place for text in visit.fields("id") if (place := _place(text)) is not None)
    if not places:
        return show(visit, id, visit.text(_NO_ROWS), 422)
    with visit.site.hub.store.read() as tx, refusing(_REFUSALS):
        partner = own_partner(visit, tx)
        reader = _reader(visit, drafts.find(tx, id, partner.name), partner)
    takes_in = visit.field("act") == "take-in"
    try:
        _run(visit, partial(LeaveOutRows, id=id, places=places, takes_in=takes_in, reader=reader))
    except Rejected as refusal:
        return show(visit, id, text_of(visit.language, refusal), 422)
    return visit.go(link(f"{_PATH}/{id}", only=visit.field("only", 20), after=visit.field("after", 9)))


def send(visit: Visit, id: str) -> Response:
    """Send the rows: the hub contributes them in the name of the partner."""
    with visit.site.hub.store.read() as tx:
        if not _may_contribute(tx, own_partner(visit, tx)):
            raise PageRefused(403, _MAY_NOT)
    try:
        _run(visit, partial(SendUpload, id=id))
    except Rejected as refusal:
        return show(visit, id, text_of(visit.language, refusal), 422)
    return visit.go(f"{_PATH}/{id}")


def discard(visit: Visit, id: str) -> Response:
    """Discard a file with its rows."""
    _run(visit, partial(DiscardUpload, id=id))
    return visit.go(_PATH)


def forget(visit: Visit) -> Response:
    """Forget the field of a column."""
    _run(visit, partial(ForgetColumn, heading=visit.field("heading", _LONGEST_HEADING)))
    return visit.go(visit.field("back", 100) if visit.field("back", 100).startswith(_PATH) else _PATH)


def send_refused(visit: Visit, id: str) -> Response:
    """Send the rows of a file that are refused or held as CSV, with the reasons."""
    store = visit.site.hub.store
    with store.read() as tx, refusing(_REFUSALS):
        found = drafts.find(tx, id, own_partner(visit, tx).name)

    def lines() -> Iterator[bytes]:
        # The byte order mark tells spreadsheets that this is UTF-8.
        yield BOM_UTF8 + csv_line(_COLUMNS)
        start = 0
        while True:
            try:
                with store.read() as tx:
                    blocks = rows.blocks(tx, found, start, _BLOCKS_OF_FILE, only="refused")
            except StoreUnavailable:
                yield csv_line(["", "", "", "", "", "", "the hub cannot reach its store: get this file again"])
                return
            for block in blocks:
                yield from (csv_line(_csv_cells(visit, row)) for row in block.rows if row.state == REFUSED)
            if not blocks:
                return
            start = blocks[-1].number + 1

    return visit.file(lines(), "refused.csv", "text/csv; charset=utf-8")


def _csv_cells(visit: Visit, row: DraftRow) -> list[object]:
    cells = "; ".join(f"{name}={text}" for name, text in row.fields.items())
    message = text_of(visit.language, Rejected(row.reason, row.message))
    value = row.value or row.fields.get("value") or row.raw
    return [row.part, row.line, row.state, value, row.kind, row.reason, message, cells]


def _run(visit: Visit, operation: Callable[..., Operation[Any]]) -> Any:
    """Run an operation of the person's own partner. Raises ``Rejected`` and ``PageRefused``."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    with refusing(_REFUSALS):
        return run(visit.site.hub, operation(partner=partner), visit.actor)


def _reader(visit: Visit, found: Upload, partner: Partner) -> RowReader:
    options: Options = options_of(found, partner, visit.site.settings.timezone)
    return RowReader(options)


def _settings(visit: Visit, columns: Mapping[str, str] | None = None) -> UploadSettings:
    """Return the settings of the form. Raises ``Rejected`` for one that is not known."""
    names = [name for name in UploadSettings.__struct_fields__ if name != "columns"]
    given = {name: visit.field(name, 64) for name in names}
    given["country"] = given["country"].upper()
    try:
        ReportSettings.model_validate({name: text for name, text in given.items() if text})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise Rejected(f"bad-{field.replace('_', '-')}", f"{field}: {_NOT_KEPT}") from None
    return UploadSettings(**given, columns=dict(columns or {}))


def _place(text: str) -> RowPlace | None:
    block, _, position = text.partition("-")
    is_place = all(part.isascii() and part.isdecimal() and len(part) < 9 for part in (block, position))
    return RowPlace(int(block), int(position)) if is_place else None


def _may_contribute(tx: Tx, partner: Partner) -> bool:
    try:
        writable(tx, partner, "inbox")
    except TaxiiError:
        return False
    return True


def _choices() -> dict[str, Any]:
    return {"kinds": [*kinds.every()], "scam_types": [*ScamType], "tlps": [*Tlp]}


_WORK = may_run(SetUpload, CorrectRow, LeaveOutRows, SendUpload, DiscardUpload, ForgetColumn)
ROUTES = (
    Route(_PATH, may_run(AddUpload), upload, methods=BOTH, file_bytes=MAX_CONTENT_LENGTH),
    Route(f"{_PATH}/columns/forget", _WORK, forget, methods=FORM),
    Route(f"{_PATH}/<id>", PARTNER_WRITERS, show),
    Route(f"{_PATH}/<id>/settings", _WORK, set_up, methods=FORM),
    Route(f"{_PATH}/<id>/row/<place>", _WORK, correct, methods=BOTH),
    Route(f"{_PATH}/<id>/leave-out", _WORK, leave_out, methods=FORM),
    Route(f"{_PATH}/<id>/send", _WORK, send, methods=FORM),
    Route(f"{_PATH}/<id>/discard", _WORK, discard, methods=FORM),
    Route(f"{_PATH}/<id>/refused.csv", PARTNER_WRITERS, send_refused),
)
