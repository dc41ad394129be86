"""The progress of contributing a file, in a file beside its results: a run that was stopped goes on from there."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from feeds.mapping.output import RejectsWriter
from feeds.mapping.rows import Counts, Duplicate, Mapped, Reject
from feeds.readers.columns.notes import Note, Tally
from server.release.results import Result


class FileProgress:
    """The outcomes of one file that are stored already, their counts, and the rejected rows among them.

    They hold for the file as it was, and for the same options: of a file that was changed since then nothing is done.
    ``counts`` are of all outcomes, those of earlier runs included.
    """

    def __init__(self, folder: Path, file: Path, given: str) -> None:
        """Read the progress of ``file`` from ``folder``; ``given`` names the options and the partner."""
        self._saved = folder / f"{file.name}.progress.json"
        self._rejects = folder / f"{file.name}.rejects.jsonl"
        state = file.stat()
        self._of = blake2b(f"{state.st_size} {state.st_mtime_ns} {given}".encode(), digest_size=16).hexdigest()
        found = self._read()
        self.counts = _counts(found["counts"]) if found else Counts()
        self.is_complete: bool = bool(found and found["complete"])
        self._rejects_bytes: int = found["rejects_bytes"] if found else 0

    @property
    def outcomes(self) -> int:
        """Return the number of outcomes that are stored."""
        return self.counts.read

    @contextmanager
    def writing(self) -> Iterator["_Writing"]:
        """Open the file of rejected rows where the last run saved its progress, to write and save more."""
        with self._rejects.open("r+b" if self._rejects_bytes else "wb") as out:
            out.truncate(self._rejects_bytes)
            out.seek(self._rejects_bytes)
            yield _Writing(self, out)

    def save(self, rejects_bytes: int, *, complete: bool) -> None:
        """Save the counts so far; a reader finds the last ones or these, never a part."""
        unfinished = self._saved.with_name(f".{self._saved.name}.{os.getpid()}.part")
        saved = {"of": self._of, "complete": complete, "rejects_bytes": rejects_bytes, "counts": _saved(self.counts)}
        with unfinished.open("wb") as out:
            out.write(orjson.dumps(saved, option=orjson.OPT_APPEND_NEWLINE))
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(self._saved)

    def _read(self) -> dict[str, Any] | None:
        try:
            found = orjson.loads(self._saved.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) and found.get("of") == self._of else None


class _Writing:
    """Counts outcomes, writes the rejected rows among them, and saves the progress now and then."""

    def __init__(self, progress: FileProgress, out: BinaryIO) -> None:
        self._progress = progress
        self._out = out
        self._rejects = RejectsWriter(out, contributed=True)
        # Counts the rows since the last save.
        self.tally = Tally()

    def add(self, outcome: Mapped | Duplicate | Reject) -> None:
        """Count an outcome that is stored."""
        self._progress.counts.add(outcome)
        if isinstance(outcome, Reject):
            self._rejects.write(outcome)

    def save(self, *, complete: bool = False) -> None:
        """Save how far the file is; rejected rows are on disk first."""
        self._progress.counts.tally.take(self.tally.taken())
        self._out.flush()
        os.fsync(self._out.fileno())
        self._progress.save(self._out.tell(), complete=complete)


def _saved(counts: Counts) -> dict[str, Any]:
    return {
        "read": counts.read,
        "mapped": counts.mapped,
        "duplicates": counts.duplicates,
        "rejected": counts.rejected,
        "unpublished": {result.value: reasons for result, reasons in counts.unpublished.items()},
        "rows": counts.tally.rows,
        "notes": [[*note, times] for note, times in counts.tally.counted().items()],
    }


def _counts(saved: dict[str, Any]) -> Counts:
    notes = Counter({Note(*note): times for *note, times in saved["notes"]})
    return Counts(
        saved["read"],
        saved["mapped"],
        saved["duplicates"],
        Counter(saved["rejected"]),
        Tally(saved["rows"], _notes=notes),
        {Result(result): Counter(reasons) for result, reasons in saved["unpublished"].items()},
    )
