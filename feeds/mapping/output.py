"""Write mapped reports to a file: STIX as JSON lines or one bundle, MISP events, and the rejected rows."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from feeds.mapping.options import Options
from feeds.mapping.rows import Duplicate, Mapped, Reject, preface
from mappers import ids, misp
from mappers.templates import Writer
from schemas.report import Report
from schemas.text import encodable
from schemas.vocabulary import Tlp

_PIECES = 2048


@contextmanager
def _open_output(path: Path | None) -> Iterator[tuple[BinaryIO, bool]]:
    """Open ``path``, or standard output; yield it, and whether its name asks for one JSON document."""
    if path is None:
        yield sys.stdout.buffer, False
        return
    with path.open("wb") as out:
        yield out, path.suffix == ".json"


class StixWriter:
    """Writes the objects of mapped reports, each after the objects that it refers to, and each object once.

    ``separator`` are the bytes between two objects.
    """

    def __init__(self, out: BinaryIO, options: Options, *, bundle: bool) -> None:
        """Write to ``out``; ``close`` ends the document."""
        self._out = out
        self._options = options
        self._bundle = bundle
        self._levels: set[Tlp] = set()
        self._prefaced: set[str] = set()
        self._pieces: list[bytes] = []
        # Between two objects, and between those that were written and those that come.
        self.separator, self._before = b",\n" if bundle else b"\n", b""
        self._writer = Writer(options.profile, self.separator)
        if bundle:
            name = ids.in_scamfeed({"reporter": options.reporter, "type": "bundle"})
            self._out.write(b'{"type":"bundle","id":"bundle--' + name.encode() + b'","objects":[')

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, options: Options) -> Iterator[Self]:
        """Open a writer for ``path``, or standard output; ``.json`` is written as a bundle, other names as JSON lines.

        The document is complete even if mapping fails.
        """
        with _open_output(path) as (out, is_document), closing(cls(out, options, bundle=is_document)) as writer:
            yield writer

    def write(self, mapped: Mapped) -> None:
        """Write the objects of one report."""
        if mapped.report.tlp not in self._levels:
            self.append([mapped.report.tlp], b"")
        if mapped.beside:
            self._put(self._new(mapped.beside))
        if isinstance(mapped.report, Report):
            self._keep(self._writer.write(mapped.report))
            self._put(mapped.case)
        else:
            self._put(mapped.objects)

    def append(self, levels: Iterable[Tlp], written: bytes) -> None:
        """Write the objects of several reports at TLP ``levels``, as ``mappers.templates.Writer`` spelled them."""
        for tlp in levels:
            if tlp not in self._levels:
                self._levels.add(tlp)
                self._put(self._new(preface(self._options, {tlp})))
        if written:
            self._keep(written)
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the document."""
        self._flush()
        self._out.write(b"]}\n" if self._bundle else self._before)
        self._out.flush()

    def _new(self, objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        new = [obj for obj in objects if obj["id"] not in self._prefaced]
        self._prefaced.update(obj["id"] for obj in new)
        return new

    def _put(self, objects: Iterable[dict[str, Any]]) -> None:
        for obj in objects:
            self._keep(orjson.dumps(obj))

    def _keep(self, written: bytes) -> None:
        self._pieces.append(written)
        if len(self._pieces) >= _PIECES:
            self._flush()

    def _flush(self) -> None:
        if not self._pieces:
            return
        self._out.write(self._before)
        self._out.write(self.separator.join(self._pieces))
        self._before = self.separator
        self._pieces.clear()


class RejectsWriter:
    """Writes rejected rows as JSON lines: file, line, raw, kind, reason, message.

    For ``contributed`` rows, each line has the result too.
    """

    def __init__(self, out: BinaryIO | None, *, contributed: bool = False) -> None:
        """Write to ``out``; None discards the rows."""
        self._out = out
        self._left_out = set() if contributed else {"result"}

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, *, contributed: bool = False) -> Iterator[Self]:
        """Open the file of rejects at ``path``; None discards them."""
        if path is None:
            yield cls(None)
            return
        with path.open("wb") as out:
            yield cls(out, contributed=contributed)

    def write(self, reject: Reject) -> None:
        """Write one row."""
        if self._out is not None:
            cells = {name: cell for name, cell in reject._asdict().items() if name not in self._left_out}
            texts = {name: encodable(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
            self._out.write(orjson.dumps(texts, option=orjson.OPT_APPEND_NEWLINE))


# Reports in one event: MISP reads an event as a whole, and needs minutes for a larger one.
_LARGEST = 10_000


class MispEventWriter:
    """Writes mapped reports as MISP events, each of one TLP level and of at most 10,000 reports."""

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
        """Open a writer for ``path``, or standard output; ``.json`` is written as one document, other names as lines.

        The document is complete even if mapping fails.
        """
        with _open_output(path) as (out, is_document), closing(cls(out, options, document=is_document)) as writer:
            yield writer

    def reject_without_type(
        self, name: str, outcomes: Iterator[Mapped | Duplicate | Reject]
    ) -> Iterator[Mapped | Duplicate | Reject]:
        """Yield the outcomes of a file called ``name``, with a reject for each report that MISP has no type for."""
        for outcome in outcomes:
            if isinstance(outcome, Mapped) and isinstance(outcome.report, Report) and not misp.has_type(outcome.report):
                message = "MISP has no type for this kind: map it for another profile"
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
        """Write what is left, and the end of the document."""
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
