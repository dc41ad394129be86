"""Mapped objects to a file: JSON lines, or one bundle."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from feeds.mapping import Mapped, Options, preface
from mappers import ids
from schemas.vocabulary import Tlp

_PIECES = 4096


class Sink:
    """Takes mapped reports and writes their objects, and before them those that they refer to, each once."""

    def __init__(self, out: BinaryIO, options: Options, *, bundle: bool) -> None:
        """Write to ``out``; ``close`` ends the document."""
        self._out = out
        self._options = options
        self._bundle = bundle
        self._levels: set[Tlp] = set()
        self._prefaced: set[str] = set()
        self._pieces: list[bytes] = []
        self._separator = b""
        if bundle:
            name = ids.in_scamfeed({"reporter": options.reporter, "type": "bundle"})
            self._out.write(b'{"type":"bundle","id":"bundle--' + name.encode() + b'","objects":[')

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, options: Options) -> Iterator[Self]:
        """Open a sink for ``path``, else for standard output; ``.json`` asks for a bundle, all else for JSON lines.

        The document is whole whatever ends its making.
        """
        if path is None:
            sink = cls(sys.stdout.buffer, options, bundle=False)
            try:
                yield sink
            finally:
                sink.close()
            return
        with path.open("wb") as out:
            sink = cls(out, options, bundle=path.suffix == ".json")
            try:
                yield sink
            finally:
                sink.close()

    def write(self, mapped: Mapped) -> None:
        """Write one report's objects."""
        if mapped.report.tlp not in self._levels:
            self._levels.add(mapped.report.tlp)
            self._put(self._new_preface(mapped.report.tlp))
        self._put(mapped.objects)

    def close(self) -> None:
        """Write what is left, and the document's end."""
        self._flush()
        self._out.write(b"]}\n" if self._bundle else b"")
        self._out.flush()

    def _new_preface(self, tlp: Tlp) -> list[dict[str, Any]]:
        new = [obj for obj in preface(self._options, {tlp}) if obj["id"] not in self._prefaced]
        self._prefaced.update(obj["id"] for obj in new)
        return new

    def _put(self, objects: Iterable[dict[str, Any]]) -> None:
        self._pieces.extend(map(orjson.dumps, objects))
        if len(self._pieces) >= _PIECES:
            self._flush()

    def _flush(self) -> None:
        if not self._pieces:
            return
        if self._bundle:
            self._out.write(self._separator + b",\n".join(self._pieces))
            self._separator = b",\n"
        else:
            self._out.write(b"\n".join(self._pieces) + b"\n")
        self._pieces.clear()
