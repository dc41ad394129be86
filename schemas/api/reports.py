"""The JSON in which partners send reports and records as rows, and the JSON of the answer about rows and files."""

from typing import Annotated, Any

import msgspec

MOST_REPORTS = 1_000


class SentReports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of one request, all of them reports or all of them records; one row, or the list, may be the body."""

    reports: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST_REPORTS)]


class ReportCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of ``values``, one or more of each row, by result; ``ready`` of a dry run."""

    rows: int
    values: int
    ready: int = 0
    published: int = 0
    held: int = 0
    kept: int = 0
    duplicates: int = 0
    refused: int = 0


class ReportResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one value: ready, published, held, kept, duplicate or refused.

    ``line`` is the number of the row, in a text or table of the line, from 1; ``sheet`` is the sheet, page or attached
    file. ``id`` is that of its STIX object. ``columns`` are its other columns as understood, in a dry run.
    ``reason`` and ``message`` say why it is refused or held, or stored and not published.
    """

    line: int
    result: str
    sheet: str | None = None
    kind: str | None = None
    value: str | None = None
    columns: dict[str, str] = {}
    id: str | None = None
    reason: str | None = None
    message: str | None = None


class NotReadPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rows, cells or a column that gave nothing, the number of rows, and ``option``, a parameter that reads it."""

    what: str
    reason: str
    rows: int
    name: str | None = None
    sheet: str | None = None
    lines: tuple[int, ...] = ()
    message: str | None = None
    option: str | None = None


class Stopped(msgspec.Struct, frozen=True):
    """Why the request ended early, and the seconds after which to go on from ``next``."""

    reason: str
    message: str
    retry_after: int


class ReportsAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The results of a request, in the order of the rows; ``rows_left_out`` are counted only.

    ``next`` is the value of ``start`` with which the same file goes on. ``unreadable`` says why the rest of a file
    cannot be read.
    """

    dry_run: bool
    counts: ReportCounts
    rows: list[ReportResult]
    rows_left_out: int = 0
    not_read: list[NotReadPart] = []
    unreadable: str | None = None
    next: int | None = None
    stopped: Stopped | None = None
