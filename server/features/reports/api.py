"""``POST /api/reports``: a partner's reports and records as JSON rows, or as a file of any format that is read here."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO, Any, NamedTuple

import msgspec
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from feeds.mapping.not_read import NotRead
from feeds.mapping.options import FileOptions
from feeds.mapping.outcomes import FileOutcome, RowOutcome
from schemas import tabular
from schemas.api.reports import (
    MOST_REPORTS,
    NotReadPart,
    ReportCounts,
    ReportResult,
    ReportsAnswer,
    SentReports,
    Stopped,
)
from schemas.errors import Rejected
from schemas.text import escaped
from server.features.reports.sending import MOST_VALUES, Sending, option_names, read_options
from server.operations.operation import Actor
from server.operations.run import Check
from server.release.results import Result
from server.web.api.routes import ApiCall, ApiRoute, NamedSchema, Parameter, RequestBody, ResponseBody, json_response
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import MAX_CONTENT_LENGTH
from server.web.taxii.openapi_schemas import STRING, Schema, ref
from server.web.taxii.request_body import received
from server.web.taxii.response import JSON, TaxiiResponse

_PATH = "/api/reports"
_ROWS_BYTES = 4 * 1024 * 1024
_FORM = "multipart/form-data"
_MOST_PARAMETERS, _LONGEST_TEXT, _LONGEST_NAME = 80, 300, 200
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
# Reading a file costs as many requests as it has parts of this size.
_BYTES_A_REQUEST = 1024 * 1024
# Bytes of the other fields of a form.
_FORM_BYTES = 64 * 1024
_RESULTS: dict[str, str] = {
    Result.PUBLISHED: "published",
    Result.HELD: "held",
    Result.KEPT: "kept",
}


_Pairs = list[tuple[str, str]]


class _Asked(NamedTuple):
    """The parameters of a request: the file's name, whether it is only tried, the first value, and the options."""

    name: str
    dry_run: bool
    start: int
    options: _Pairs


def _take(call: ApiCall) -> TaxiiResponse:
    """Contribute rows or a file, or try them. Raises ``TaxiiError``."""
    asked = _asked(call.query(_MOST_PARAMETERS))
    hub, partner, quotas = call.site.hub, call.partner, call.site.quotas
    with _body(call, asked) as (stream, size, asked):
        try:
            options, names = read_options(asked.options, call.site.settings.timezone)
        except Rejected as refusal:
            raise TaxiiError("report-options", message=escaped(refusal.message)[:_LONGEST_TEXT]) from None
        quotas.count_more(hub.store, partner.counts_as, size // _BYTES_A_REQUEST)

        def check(objects: int) -> tuple[Check | None, Check | None]:
            return inbox_check(quotas, partner, objects), inbox_check(quotas, partner, 0)

        sending = Sending(hub, partner, Actor.program(partner, call.remote), check)
        found = sending.read(
            stream, asked.name, options, names, start=asked.start, dry_run=asked.dry_run, stops=(TaxiiError,)
        )
    return json_response(_answer(found, asked), objects_in=found.file.counts.read)


def _asked(given: _Pairs) -> _Asked:
    """Return the parameters of a request, of the URL or of a form. Raises ``TaxiiError``."""
    own = {"name": "", "dry_run": "", "start": "0"}
    options: _Pairs = []
    for name, text in given:
        field = name.replace("-", "_")
        if field in own:
            own[field] = text
        else:
            options.append((name, text))
    dry_run = _BOOLEANS.get(own["dry_run"].lower())
    if dry_run is None:
        raise TaxiiError("report-options", message="dry_run: it is true or false")
    if not _NUMBER.fullmatch(own["start"]):
        raise TaxiiError("report-options", message="start: it is the number next of the answer before")
    return _Asked(escaped(own["name"])[:_LONGEST_NAME], dry_run, int(own["start"]), options)


def _admit(call: ApiCall) -> None:
    """Refuse a partner that may not send anything now. Raises ``TaxiiError``."""
    quotas, partner = call.site.quotas, call.partner
    with call.site.hub.store.read() as tx:
        inbox_check(quotas, partner, 0)(tx)
        quotas.check_objects(tx, partner.counts_as)


@contextmanager
def _body(call: ApiCall, asked: _Asked) -> Iterator[tuple[IO[bytes], int, _Asked]]:
    """Yield the file, its size, and the parameters with those of a form. Raises ``TaxiiError``."""
    media_type, parts = parse_options_header(call.environ.get("CONTENT_TYPE") or "")
    if media_type.lower() in (JSON, "") and not asked.name:
        # The rows are read as a file of JSON; their numbers are the lines.
        data = msgspec.json.encode(_rows(call, asked))
        _admit(call)
        yield io.BytesIO(data), len(data), asked._replace(options=[*asked.options, ("format", "json")])
        return
    _admit(call)
    with received(call.environ, call.most) as (stream, size):
        if media_type.lower() != _FORM:
            yield stream, size, asked
            return
        with _file_of_form(stream, size, parts) as (file, fields):
            more = _asked([("name", file.filename or ""), *call.query(_MOST_PARAMETERS), *fields])
            yield file.stream, size, more


@contextmanager
def _file_of_form(stream: IO[bytes], size: int, parts: dict[str, str]) -> Iterator[tuple[FileStorage, _Pairs]]:
    """Yield the file of a form, and its other fields. Raises ``TaxiiError``."""
    parser = FormDataParser(max_form_memory_size=_FORM_BYTES, max_form_parts=_MOST_PARAMETERS, silent=False)
    try:
        _, form, files = parser.parse(stream, _FORM, size, parts)
    except (ValueError, RequestEntityTooLarge):
        raise TaxiiError("not-a-form", place="$") from None
    found = [*files.items(multi=True)]
    with ExitStack() as stack:
        for _, file in found:
            stack.callback(file.close)
        if [name for name, _ in found] != ["file"]:
            raise TaxiiError("not-a-form", place="$.file")
        yield found[0][1], [*form.items(multi=True)]


def _rows(call: ApiCall, asked: _Asked) -> list[dict[str, Any]]:
    """Return the rows of a JSON body: all of them reports, or all of them records. Raises ``TaxiiError``."""
    rows = replace(call, most=_ROWS_BYTES).read(SentReports).reports
    if any(name == "record" for name, _ in asked.options):
        return rows
    are_records = "record" in rows[0]
    for number, row in enumerate(rows):
        # A record that is read as a report would accuse the value that it may clear.
        if ("record" in row) is not are_records:
            raise TaxiiError("not-reports", place=f"$[{number}].record")
        if are_records and row["record"] not in tabular.RECORDS:
            raise TaxiiError("not-reports", place=f"$[{number}].record")
    return rows


def _answer(found: FileOutcome, asked: _Asked) -> ReportsAnswer:
    counts = found.file.counts
    waiting = {result: reasons.total() for result, reasons in counts.unpublished.items()}
    sent = counts.mapped - sum(waiting.values())
    return ReportsAnswer(
        dry_run=asked.dry_run,
        counts=ReportCounts(
            rows=counts.tally.rows,
            values=counts.read,
            ready=sent if asked.dry_run else 0,
            published=0 if asked.dry_run else sent,
            held=waiting[Result.HELD],
            kept=waiting[Result.KEPT],
            duplicates=counts.duplicates,
            refused=counts.rejected.total(),
        ),
        rows=[_result(row, dry_run=asked.dry_run) for row in found.rows],
        rows_left_out=found.left_out,
        not_read=[_not_read(part) for part in found.file.unread if part.what != "rows"],
        unreadable=found.file.error or None,
        next=asked.start + counts.read if found.more else None,
        stopped=_stopped(found.stopped),
    )


def _result(row: RowOutcome, *, dry_run: bool) -> ReportResult:
    return ReportResult(
        line=row.line,
        result=_RESULTS.get(row.result, row.result),
        sheet=row.part or None,
        kind=row.kind or None,
        value=row.value or None,
        columns=dict(row.columns) if dry_run else {},
        id=row.id or None,
        # A result without a rule of its own has its words for a reason.
        reason=None if row.reason in ("", row.result) else row.reason,
        message=row.message or None,
    )


def _not_read(part: NotRead) -> NotReadPart:
    return NotReadPart(
        what=part.what,
        reason=part.reason,
        rows=part.rows,
        name=part.name or None,
        sheet=part.part or None,
        lines=part.lines,
        message=part.message or None,
        option=f"{part.proposal.option}={part.proposal.value}" if part.proposal else None,
    )


def _stopped(error: Exception | None) -> Stopped | None:
    if not isinstance(error, TaxiiError):
        return None
    return Stopped(error.code, error.description, int(dict(error.headers).get("Retry-After", 60)))


_ROW = NamedSchema(
    "ReportRow",
    {
        "type": "object",
        "description": "a report by its columns (docs/reports.md), or a record by its own (docs/records.md)",
        "properties": {
            # A row with another name is refused alone.
            "record": {"description": f"one of {', '.join(tabular.RECORDS)}"},
            **{name: {} for name in tabular.column_names()},
        },
    },
)
_ROWS = NamedSchema(
    "SentReports",
    {
        "type": "object",
        "required": ["reports"],
        "properties": {
            "reports": {"type": "array", "items": ref("ReportRow"), "minItems": 1, "maxItems": MOST_REPORTS}
        },
    },
    (_ROW,),
)
_FILE: Schema = {"type": "string", "format": "binary", "description": "a file of any format in docs/formats.md"}
_EXAMPLE = [
    {
        "account_number": "123-4-56789-0",
        "bank": "KBANK",
        "country": "TH",
        "scam_type": "merchandise",
        "reported_at": "2026-11-30T03:00:00Z",
        "reference": "CASE-1",
    },
    {"value": "hxxps://shop[.]example[.]com/pay", "tlp": "green"},
]
_MEANINGS = {
    "columns": "FIELD=NAME: the column NAME holds FIELD, as bank=Payee; several times",
    **{name: field.description or "" for name, field in FileOptions.model_fields.items()},
}
ROUTES = (
    ApiRoute(
        "send_reports",
        "POST",
        _PATH,
        _take,
        "Report values: JSON rows, one or up to 1,000, or a file of any format, up to 100 MiB",
        ResponseBody(ReportsAnswer),
        request=RequestBody(
            _ROWS,
            MAX_CONTENT_LENGTH,
            "not-reports",
            example=_EXAMPLE,
            item=_ROW,
            also={
                _FORM: {"type": "object", "required": ["file"], "properties": {"file": _FILE}},
                "*/*": _FILE,
            },
        ),
        parameters=(
            Parameter("dry_run", "true: answer with the rows as understood, and change nothing", {"type": "boolean"}),
            Parameter("name", "the name of the file; its ending is a hint at the format", STRING),
            Parameter(
                "start",
                f"go on from this value of the file, which is next of the answer before (after {MOST_VALUES:,})",
                {"type": "integer", "minimum": 0},
            ),
            *(Parameter(name, _MEANINGS[name.replace("-", "_")], STRING) for name in option_names()),
        ),
        refuses=(403,),
        is_long=True,
        name="send-reports",
    ),
)
