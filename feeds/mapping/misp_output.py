"""Mapped reports as MISP events: JSON lines, or one document of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import orjson

from feeds.mapping.rows import Duplicate, Mapped, Options, Reject
from mappers import misp
from schemas.report import Report
from schemas.vocabulary import Tlp

# A larger event takes MISP, which reads it whole, minutes.
_LARGEST = 10_000


class EventSink:
    """Takes mapped reports and writes events, each of one TLP level and of 10,000 reports at most."""

    def __init__(self, out: BinaryIO, options: Options, *, document: bool) -> None:
        """Write to ``out``; ``close`` ends the document."""
        self._out = out
        self._reporter = options.reporter
        self._document = document
        self._held: dict[Tlp, list[Report]] = {}
        self._before, self._between = (b'{"response":[', b",\n") if document else (b"", b"\n")

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, options: Options) -> Iterator[Self]:
        """Open a sink for ``path``, else for standard output; ``.json`` asks for one document, all else for lines.

        The document is whole whatever ends its making.
        """
        if path is None:
            sink = cls(sys.stdout.buffer, options, document=False)
            try:
                yield sink
            finally:
                sink.close()
            return
        with path.open("wb") as out:
            sink = cls(out, options, document=path.suffix == ".json")
            try:
                yield sink
            finally:
                sink.close()

    def sayable(
        self, name: str, outcomes: Iterator[Mapped | Duplicate | Reject]
    ) -> Iterator[Mapped | Duplicate | Reject]:
        """Give the outcomes of a file called ``name``, with a reject for each report that MISP has no type for."""
        for outcome in outcomes:
            if isinstance(outcome, Mapped) and isinstance(outcome.report, Report) and not misp.has_type(outcome.report):
                message = "MISP has no type for such a thing: map it for another profile"
                report = outcome.report
                yield Reject(name, outcome.line, report.value, report.kind, "not-in-format", message)
            else:
                yield outcome

    def write(self, mapped: Mapped) -> None:
        """Write one report."""
        assert isinstance(mapped.report, Report)  # noqa: S101 - records are no reports, and not mapped for MISP
        held = self._held.setdefault(mapped.report.tlp, [])
        held.append(mapped.report)
        if len(held) >= _LARGEST:
            self._put(self._held.pop(mapped.report.tlp))

    def close(self) -> None:
        """Write what is left, and the document's end."""
        for held in self._held.values():
            self._put(held)
        self._held.clear()
        if self._document:
            self._out.write((b"" if self._before == self._between else self._before) + b"]}")
        if self._document or self._before:
            self._out.write(b"\n")
        self._out.flush()

    def _put(self, reports: list[Report]) -> None:
        self._out.write(self._before + orjson.dumps(misp.event(reports, f"Scam indicators from {self._reporter}")))
        self._before = self._between
