"""Reads files of reports in pieces, so that a pull can go on after each."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from feeds import formats
from feeds.connector import Batch, Misconfigured, Pull, PullSettings
from feeds.mapping.options import ReportSettings
from feeds.mapping.records import Find, map_records
from feeds.mapping.rows import Mapped, Reject, map_stream
from feeds.readers import record_rows
from feeds.readers.columns import custom_names
from feeds.readers.columns.custom_names import CustomNames, use_custom_names
from feeds.readers.columns.notes import Tally
from feeds.readers.record_rows import detect_records
from feeds.runs.parts import Part, parts
from schemas import tabular
from schemas.text import escaped

_log = logging.getLogger(__name__)


def _known_format(name: str) -> str:
    formats.get(name.partition(":")[0])
    return name


# What stands after a colon is the format's own affair.
FormatName = Annotated[str, AfterValidator(_known_format)]


class FileSettings(ReportSettings, PullSettings):
    """Settings for reading files: what holds where the files do not say it."""

    format: Annotated[
        FormatName | None, Field(description="format of the files; recognised by content where not named")
    ] = None
    columns: Annotated[
        Path | None, Field(description="TOML file with other names of columns, kinds and scam types (docs/reports.md)")
    ] = None
    record: Annotated[
        str | None,
        Field(
            description=f"the files hold records ({', '.join(tabular.RECORDS)}), not reports: "
            "which, where rows say none"
        ),
    ] = None

    @field_validator("record")
    @classmethod
    def _known_record(cls, name: str | None) -> str | None:
        if name is not None and name not in tabular.RECORDS:
            raise ValueError(f"there are {', '.join(tabular.RECORDS)}")
        return name

    @model_validator(mode="after")
    def _records_in_tables_and_json(self) -> Self:
        if self.record and self.format not in (None, *record_rows.FORMATS):
            raise ValueError(f"format: records are read from {', '.join(record_rows.FORMATS)}")
        return self


class Piece(NamedTuple):
    """Some rows of a file: up to which ``row`` it was read, and whether that is its end.

    ``failure`` says why the file cannot be read further; it also counts among ``rejected``. ``origins`` has file and
    line of each of the ``items``; ``tally`` counts rows, and columns and cells that were not read.
    """

    items: list[list[dict[str, Any]]]
    read: int
    rejected: Counter[str]
    row: int
    ends: bool
    failure: Exception | None
    rejects: list[Reject]
    origins: list[tuple[str, int]]
    tally: Tally

    def batch(self, checkpoint: dict[str, Any], done: Sequence[tuple[str, str]]) -> Batch:
        """Return the batch of a pull that goes on from ``checkpoint``; ``done`` names the file at its end."""
        return Batch(
            self.items,
            checkpoint,
            self.read,
            self.rejected,
            done,
            rejects=self.rejects,
            origins=self.origins,
            tally=self.tally,
        )


F_co = TypeVar("F_co", bound=FileSettings, covariant=True)


class FilesPull(Pull[F_co]):
    """A pull that reads files of reports, or of records."""

    _names = CustomNames()
    _find: Find | None = None

    def begin(self, find: Find) -> None:
        """Read the user's column names as they are now, and keep the function that finds indicators."""
        self._find = find
        try:
            self._names = (
                custom_names.read_custom_names(self.settings.columns) if self.settings.columns else CustomNames()
            )
        except custom_names.BadCustomNames as error:
            raise Misconfigured(f"columns: {error}") from error

    def as_read(self, digest: str) -> str:
        """Return the digest under which a file counts as read; it changes with the settings and the column names."""
        return hashlib.sha256(f"{digest} {self.manner}".encode()).hexdigest() if self.manner else digest

    @property
    def manner(self) -> str:
        """Return a text for how files are read, from the settings and column names; "" for the defaults."""
        settings, names = self.settings, self._names
        stated = (settings.format, settings.record, settings.kind, settings.timezone, settings.date_order, *names)
        beside = (settings.platform, settings.os)
        if stated == (None, None, None, None, None, *CustomNames()) and not any(beside):
            return ""
        return hashlib.sha256(repr((*stated, *filter(None, beside))).encode()).hexdigest()

    def pieces(self, stream: BinaryIO, name: str, reported_at: datetime, start: int = 0) -> Iterator[Piece]:
        """Return the rows of ``stream`` from number ``start`` on, one batch a piece; the last piece may be empty."""
        settings, row = self.settings, start
        options = settings.options(settings.contribute_as, reported_at)
        options = replace(options, format=settings.format, record=settings.record)
        tally = Tally()
        are_records, stream = (True, stream) if settings.record else detect_records(stream, settings.format)
        outcomes = (
            map_records(stream, name, options, find=self._find, tally=tally)
            if are_records
            else map_stream(stream, name, options, tally=tally)
        )
        for part, failure in self._knowing(parts(outcomes, settings.batch, start, tally)):
            row += len(part)
            rejects = [result for result in part if isinstance(result, Reject)]
            rejected = Counter(reject.reason for reject in rejects)
            if failure:
                rejected["unreadable-file"] += 1
                _log.warning("file unreadable feed=%s file=%s error=%s", settings.name, escaped(name), failure)
            yield Piece(
                items=[result.objects for result in part if isinstance(result, Mapped)],
                origins=[(name, result.line) for result in part if isinstance(result, Mapped)],
                tally=tally.taken(),
                read=len(part) + (failure is not None),
                rejected=rejected,
                row=row,
                ends=failure is not None or len(part) < settings.batch,
                failure=failure,
                rejects=rejects,
            )

    def _knowing(self, some: Iterator[Part]) -> Iterator[Part]:
        """Yield the items of ``some``, with the user's column names in force only while it runs."""
        while True:
            with use_custom_names(self._names):
                part = next(some, None)
            if part is None:
                return
            yield part
