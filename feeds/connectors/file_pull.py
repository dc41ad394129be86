"""Files of reports that a partner leaves in a folder."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, field_validator

from feeds import formats
from feeds.connector import Batch, Misconfigured, Pull, PullSettings, TryLater
from feeds.mapping import Duplicate, Mapped, Options, map_stream, parts
from schemas import kinds
from schemas.errors import Rejected
from schemas.text import escaped
from schemas.vocabulary import Tlp, Word

_log = logging.getLogger(__name__)

# Names that programs give to files they are still writing.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", "~")


class FilePullSettings(PullSettings):
    """A folder, all of whose files are read, or a pattern such as ``reports/**/*.csv``; and what the rows leave out."""

    path: Annotated[str, Field(min_length=1, description="folder, file or pattern (* ? [] and ** for folders)")]
    format: Annotated[str | None, Field(description="format of the files; recognised by content where not named")] = (
        None
    )
    kind: Annotated[str | None, Field(description="kind of values that come without one")] = None
    scam_type: Annotated[Word | None, Field(description="scam type of rows that say none")] = None
    tlp: Annotated[Tlp | None, Field(description="TLP 2.0 of rows that bear none")] = None
    country: Annotated[
        str | None, Field(pattern="^[A-Z]{2}$", description="country of values that are written without one")
    ] = None

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str | None) -> str | None:
        if name is not None:
            formats.get(name.partition(":")[0])
        return name

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, name: str | None) -> str | None:
        try:
            return kinds.get(name).name if name is not None else None
        except Rejected as refusal:
            raise ValueError(refusal.message) from None


class _File(NamedTuple):
    path: Path
    state: tuple[int, int]
    digest: str


class FilePull(Pull[FilePullSettings]):
    """Reads each file once, whatever it is called, the oldest first; goes on in the middle of one that was begun.

    Links, hidden files and files still being written (``.part``, ``.tmp``) are left alone, and so is what links to
    folders lead to outside the one that is read. What could be read of a file that is damaged is taken; the damage
    is counted as rejected and not tried again until it changes.
    """

    name: ClassVar[str] = "file-pull"
    settings_model = FilePullSettings

    def __init__(self, settings: FilePullSettings) -> None:
        """Take the settings."""
        super().__init__(settings)
        self._digests: dict[tuple[Path, tuple[int, int]], str] = {}

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Give the rows of the files that were not done yet."""
        begun = (checkpoint or {}).get("digest")
        waiting = [file for file in self._files() if not seen(file.digest)]
        done: set[str] = set()
        for file in sorted(waiting, key=lambda file: file.digest != begun):
            if file.digest in done:
                continue
            done.add(file.digest)
            start = int((checkpoint or {}).get("row", 0)) if file.digest == begun else 0
            try:
                yield from self._rows(file, start)
            except OSError as error:
                raise _consequence(file.path, error) from error

    def _files(self) -> list[_File]:
        path = self.settings.path
        folder = Path(path)
        if has_magic(path) and not folder.exists():
            root = _above_pattern(folder).resolve()
            found = [each for each in map(Path, glob(path, recursive=True)) if each.resolve().is_relative_to(root)]
        elif folder.is_dir():
            found = list(folder.iterdir())
        elif folder.is_file():
            found = [folder]
        else:
            raise Misconfigured(f"path: there is no {path}")
        files = []
        for each in found:
            if each.name.startswith(".") or each.name.lower().endswith(_UNFINISHED) or each.is_symlink():
                continue
            try:
                if each.is_file():
                    files.append(self._file(each))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _consequence(each, error) from error
        return sorted(files, key=lambda file: (file.state[1], file.path))

    def _file(self, path: Path) -> _File:
        state = _state(path)
        digest = self._digests.get((path, state))
        if digest is None:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            self._digests[path, state] = digest
        return _File(path, state, digest)

    def _rows(self, file: _File, start: int) -> Iterator[Batch]:
        reported_at = datetime.fromtimestamp(file.state[1] / 1e9, UTC)
        row, name = start, escaped(file.path.name)
        with file.path.open("rb") as stream:
            outcomes = map_stream(stream, name, self._options().at(reported_at))
            for batch, failure in parts(outcomes, self.settings.batch, start):
                row += len(batch)
                rejected = Counter(each.reason for each in batch if not isinstance(each, Mapped | Duplicate))
                items = [each.objects for each in batch if isinstance(each, Mapped)]
                if failure:
                    _log.warning("file unreadable feed=%s file=%s error=%s", self.settings.name, name, failure)
                    rejected["unreadable-file"] += 1
                ends = failure is not None or len(batch) < self.settings.batch
                # A file that somebody went on writing is begun anew by the next run.
                done = [(file.digest, name)] if failure or (ends and _state(file.path) == file.state) else []
                read = len(batch) + (failure is not None)
                yield Batch(items, {"digest": file.digest, "row": row}, read, rejected, done)

    def _options(self) -> Options:
        settings = self.settings
        said = {
            "scam_type": settings.scam_type,
            "tlp": settings.tlp and settings.tlp.value,
            "country": settings.country,
        }
        defaults = {name: text for name, text in said.items() if text}
        return Options(reporter=settings.contribute_as, kind=settings.kind, format=settings.format, defaults=defaults)


def _above_pattern(path: Path) -> Path:
    """Give the folder that a pattern looks into: the last before its first wildcard."""
    return next(folder for folder in path.parents if not has_magic(str(folder)))


def _state(path: Path) -> tuple[int, int]:
    """Give size and time of change, which tell that a file is as it was."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _consequence(path: Path, error: OSError) -> Exception:
    if isinstance(error, PermissionError):
        return Misconfigured(f"{escaped(str(path))}: may not be read by this user")
    return TryLater(f"{escaped(str(path))}: cannot be read just now: {error.strerror}")
