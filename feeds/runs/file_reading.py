"""Reads files of reports in pieces, so that a pull can continue after each piece."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple, TypeVar

from pydantic import Field

from feeds.connector import Batch, Misconfigured, Pull, PullSettings
from feeds.mapping.batches import Part, parts
from feeds.mapping.options import FileOptions
from feeds.mapping.records import Find, map_reports_or_records
from feeds.mapping.rows import Mapped, Reject
from feeds.readers.columns import word_tables
from feeds.readers.columns.word_tables import CustomNames, use_custom_names
from feeds.readers.rows import Tally
from schemas.text import escaped

_log = logging.getLogger(__name__)


class FileSettings(FileOptions, PullSettings):
    """Settings for reading files; they apply where the files state nothing else."""

    columns: Annotated[
        Path | None, Field(description="TOML file with other names of columns, kinds and scam types (docs/reports.md)")
    ] = None


# Reasons of rows that do not belong to a list of reports.
_SHAPELESS = frozenset(
    {"unreadable-file", "no-value-column", "not-a-record", "kind-not-recognised", "nul-byte", "line-too-long"}
    | {"malformed-line", "unclosed-quote", "not-a-report", "not-marked"}
)


class Piece(NamedTuple):
    """Some rows of a file: the number of the last ``row`` read, and whether the file ended there.

    ``is_list``: up to here, the file is a list of reports, or an empty list. ``failure`` says why the rest of the file
    is unreadable; it also counts among ``rejected``. ``origins`` has file and line of each of the ``items``; ``tally``
    counts rows, and unread columns and cells.
    """

    items: list[list[dict[str, Any]]]
    read: int
    rejected: Counter[str]
    row: int
    is_list: bool
    ends: bool
    failure: Exception | None
    rejects: list[Reject]
    origins: list[tuple[str, int]]
    tally: Tally

    def batch(self, checkpoint: dict[str, Any], done: Sequence[tuple[str, str]]) -> Batch:
        """Build a batch of a pull that continues from ``checkpoint``; ``done`` names the file at its end."""
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


def _show_list(rejected: Counter[str], *, mapped: bool) -> bool:
    """Return whether rows are of a list of reports, by the reasons of those that are ``rejected``.

    They are not if most of them are unreadable, or have no known column or value.
    """
    shapeless = sum(rejected[reason] for reason in _SHAPELESS)
    return mapped or not shapeless or shapeless * 2 < rejected.total()


F_co = TypeVar("F_co", bound=FileSettings, covariant=True)


class FilesPull(Pull[F_co]):
    """A pull that reads files of reports, or of records."""

    _names = CustomNames()
    _find: Find | None = None

    def begin(self, find: Find) -> None:
        """Load the user's column names, and store the function that finds indicators."""
        self._find = find
        try:
            self._names = (
                word_tables.read_custom_names(self.settings.columns) if self.settings.columns else CustomNames()
            )
        except word_tables.BadCustomNames as error:
            raise Misconfigured(f"columns: {error}") from error

    def as_read(self, digest: str) -> str:
        """Return the digest under which a file counts as read; it changes with the settings and the column names."""
        return hashlib.sha256(f"{digest} {self.manner}".encode()).hexdigest() if self.manner else digest

    @property
    def manner(self) -> str:
        """Return a text that identifies settings and column names for reading files; "" for the defaults."""
        settings, names = self.settings, self._names
        stated = (settings.format, settings.record, settings.kind, settings.timezone, settings.date_order, *names)
        beside = (settings.platform, settings.os)
        if stated == (None, None, None, None, None, *CustomNames()) and not any(beside):
            return ""
        return hashlib.sha256(repr((*stated, *filter(None, beside))).encode()).hexdigest()

    def pieces(self, stream: BinaryIO, name: str, reported_at: datetime, start: int = 0) -> Iterator[Piece]:
        """Yield the rows of ``stream`` from number ``start``, one batch per piece; the last piece may be empty."""
        settings, row, is_list = self.settings, start, start > 0
        options = settings.options(settings.contribute_as, reported_at)
        tally = Tally()
        outcomes = map_reports_or_records(stream, name, options, find=self._find, tally=tally)
        for part, failure in self._knowing(parts(outcomes, settings.batch, start, tally)):
            row += len(part)
            rejects = [result for result in part if isinstance(result, Reject)]
            rejected = Counter(reject.reason for reject in rejects)
            if failure:
                rejected["unreadable-file"] += 1
                _log.warning("file unreadable feed=%s file=%s error=%s", settings.name, escaped(name), failure)
            items = [result.objects for result in part if isinstance(result, Mapped)]
            read = len(part) + (failure is not None)
            is_list = is_list or (_show_list(rejected, mapped=bool(items)) if read else row == 0)
            yield Piece(
                items=items,
                origins=[(name, result.line) for result in part if isinstance(result, Mapped)],
                tally=tally.taken(),
                read=read,
                rejected=rejected,
                row=row,
                is_list=is_list,
                ends=failure is not None or len(part) < settings.batch,
                failure=failure,
                rejects=rejects,
            )

    def _knowing(self, some: Iterator[Part]) -> Iterator[Part]:
        """Yield the items of ``some``; the user's column names are in force only while it runs."""
        while True:
            with use_custom_names(self._names):
                part = next(some, None)
            if part is None:
                return
            yield part
