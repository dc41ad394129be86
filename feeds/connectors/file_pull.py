"""Files of reports that a partner leaves in a folder, here or on another machine."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from glob import glob, has_magic
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, ClassVar, NamedTuple, Self, cast

from pydantic import Field, model_validator

from feeds.connector import Batch, Misconfigured, TryLater
from feeds.runs.file_reading import FileSettings, FilesPull
from feeds.storage.filesystems import RemoteSettings
from feeds.storage.remote import Remote
from schemas.text import escaped

# Names that programs give to files they are still writing.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", "~")
_SETTLED = timedelta(minutes=1)


class FilePullSettings(RemoteSettings, FileSettings):
    """A folder whose files are all read, or a pattern such as ``reports/**/*.csv``, and defaults for the rows."""

    path: Annotated[
        str, Field(min_length=1, description="folder, file or pattern (* ? [] **), here or at sftp:// or s3://")
    ]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.is_remote:
            self.check_remote(self.path)
        return self

    @property
    def is_remote(self) -> bool:
        """Return whether the files are on another machine."""
        return "://" in self.path


class _File(NamedTuple):
    path: Path
    state: tuple[int, int]
    digest: str


class FilePull(FilesPull[FilePullSettings]):
    """Reads each file once, the oldest first, and continues in the middle of one that was begun.

    A file is read again when its settings or column names have changed.

    Links, hidden files and unfinished files (``.part``, ``.tmp``) are left alone, and so is everything outside the
    folder. A damaged file is read as far as possible; the damage counts as one rejection, and is tried again only after
    the file changes.
    """

    name: ClassVar[str] = "file-pull"
    settings_model = FilePullSettings

    def __init__(self, settings: FilePullSettings) -> None:
        """Use ``settings``."""
        super().__init__(settings)
        self._digests: dict[tuple[Path, tuple[int, int]], str] = {}

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows of files that are not done."""
        if self.settings.is_remote:
            yield from self._remote(checkpoint or {}, seen)
            return
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
            found = [path for path in map(Path, glob(path, recursive=True)) if path.resolve().is_relative_to(root)]
        elif folder.is_dir():
            found = list(folder.iterdir())
        elif folder.is_file():
            found = [folder]
        else:
            raise Misconfigured(f"path: there is no {path}")
        files = []
        for file in found:
            if _is_left(file.name) or file.is_symlink():
                continue
            try:
                if file.is_file():
                    files.append(self._file(file))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _consequence(file, error) from error
        return sorted(files, key=lambda file: (file.state[1], file.path))

    def _file(self, path: Path) -> _File:
        state = _state(path)
        digest = self._digests.get((path, state))
        if digest is None:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            self._digests[path, state] = digest
        return _File(path, state, self.as_read(digest))

    def _rows(self, file: _File, start: int) -> Iterator[Batch]:
        name = escaped(file.path.name)
        with file.path.open("rb") as stream:
            for piece in self.pieces(stream, name, _not_ahead(datetime.fromtimestamp(file.state[1] / 1e9, UTC)), start):
                # A file that somebody went on writing is begun anew by the next run.
                whole = piece.failure or (piece.ends and _state(file.path) == file.state)
                done = [(file.digest, name)] if whole else []
                at = {"digest": file.digest, "row": piece.row}
                yield piece.batch(at, done)

    def _remote(self, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows of files on another machine; each is copied here first."""
        with Remote(self.settings, self.settings.path) as remote:
            waiting = [file for file in remote.find() if not _is_left(file.name)]
            for file in sorted(waiting, key=lambda file: file.path != begun.get("path")):
                named = hashlib.sha256(f"{self.settings.path} {file.path} {file.state}".encode()).hexdigest()
                place = self.as_read(named)
                if seen(place):
                    continue
                # One that has changed just now may change again within the same second.
                known = [(place, escaped(file.name))] if datetime.now(UTC) - file.changed > _SETTLED else []
                with TemporaryFile(prefix="scamfeed-") as copy:
                    digest = self.as_read(remote.fetch(file, copy))
                    if seen(digest):
                        if known:
                            yield Batch([], begun, 0, done=known)
                        continue
                    copy.seek(0)
                    start = int(begun.get("row", 0)) if begun.get("digest") == digest else 0
                    for piece in self.pieces(cast("BinaryIO", copy), file.name, _not_ahead(file.changed), start):
                        kept = {"digest": digest, "row": piece.row, "path": file.path}
                        done = [(digest, escaped(file.name)), *known] if piece.ends else []
                        yield piece.batch(kept, done)


def _is_left(name: str) -> bool:
    """Return whether a file of that name is hidden or unfinished."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def _above_pattern(path: Path) -> Path:
    """Return the folder of a pattern: the last before its first wildcard."""
    return next(folder for folder in path.parents if not has_magic(str(folder)))


def _not_ahead(moment: datetime) -> datetime:
    """Return the moment, or now if it lies in the future."""
    return min(moment, datetime.now(UTC))


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of change, which differ after the file changes."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _consequence(path: Path, error: OSError) -> Exception:
    if isinstance(error, PermissionError):
        return Misconfigured(f"{escaped(str(path))}: may not be read by this user")
    return TryLater(f"{escaped(str(path))}: cannot be read just now: {error.strerror}")
