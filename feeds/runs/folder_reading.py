"""Reads each file of a folder once, here or on another machine."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from glob import glob, has_magic
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, NamedTuple, TypeVar, cast

from pydantic import Field

from feeds.connector import Batch, Misconfigured, Pull, PullSettings, TryLater
from feeds.runs.file_reading import Piece
from feeds.transport.remote import Remote, RemoteSettings
from schemas.text import escaped

# Names of files that programs are still writing.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", "~")
_SETTLED = timedelta(minutes=1)


class FolderSettings(RemoteSettings, PullSettings):
    """A folder to read completely, a file, or a pattern."""

    path: Annotated[
        str, Field(min_length=1, description="folder, file or pattern (* ? [] **), here or at sftp:// or s3://")
    ]


class _File(NamedTuple):
    path: Path
    state: tuple[int, int]
    digest: str


G_co = TypeVar("G_co", bound=FolderSettings, covariant=True)


class FolderPull(Pull[G_co]):
    """Reads each file of a folder once, the oldest first, and continues in the middle of a partly read file.

    Links, hidden files and unfinished files (``.part``, ``.tmp``) are ignored, and so is everything outside the folder.
    """

    def __init__(self, settings: G_co) -> None:
        super().__init__(settings)
        self._digests: dict[tuple[Path, tuple[int, int]], str] = {}

    @abstractmethod
    def as_read(self, digest: str) -> str:
        """Return the digest under which a file counts as read."""

    @abstractmethod
    def pieces(self, stream: BinaryIO, name: str, reported_at: datetime, start: int = 0) -> Iterator[Piece]:
        """Yield the items of ``stream`` from number ``start``; the last piece may be empty."""

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the items of the files that were not read to their end."""
        if self.settings.is_remote:
            yield from self._remote(checkpoint or {}, seen)
            return
        begun = (checkpoint or {}).get("digest")
        others = _OtherFiles(checkpoint or {})
        waiting = [file for file in self._files() if not seen(file.digest)]
        done: set[str] = set()
        for file in sorted(waiting, key=lambda file: file.digest != begun):
            if file.digest in done:
                continue
            done.add(file.digest)
            start = int((checkpoint or {}).get("row", 0)) if file.digest == begun else 0
            try:
                yield from self._rows(file, start, others)
            except OSError as error:
                raise _consequence(file.path, error) from error
        yield from others.end()

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
            raise Misconfigured(f"path: {path} does not exist")
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

    def _rows(self, file: _File, start: int, others: "_OtherFiles") -> Iterator[Batch]:
        name = escaped(file.path.name)
        with file.path.open("rb") as stream:
            for piece in self.pieces(stream, name, _not_ahead(datetime.fromtimestamp(file.state[1] / 1e9, UTC)), start):
                # A file changed during the run is read from its beginning by the next run.
                whole = piece.failure or (piece.ends and _state(file.path) == file.state)
                done = [(file.digest, name)] if whole else []
                yield others.batch(piece, {"digest": file.digest, "row": piece.row}, done)

    def _remote(self, begun: dict[str, Any], seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the rows of files on another machine; each file is copied here first."""
        others = _OtherFiles(begun)
        with Remote(self.settings, self.settings.path) as remote:
            waiting = [file for file in remote.find() if not _is_left(file.name)]
            for file in sorted(waiting, key=lambda file: file.path != begun.get("path")):
                named = hashlib.sha256(f"{self.settings.path} {file.path} {file.state}".encode()).hexdigest()
                place = self.as_read(named)
                if seen(place):
                    continue
                # A file changed just now may change again within the same second.
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
                        yield others.batch(piece, kept, done)
        yield from others.end()


class _OtherFiles:
    """The files of a run that are not lists of reports. They count as read only if the run read another file."""

    def __init__(self, checkpoint: dict[str, Any]) -> None:
        self._checkpoint = checkpoint
        self._any_list = False
        self._done: list[tuple[str, str]] = []
        self._why: list[str] = []

    def batch(self, piece: Piece, checkpoint: dict[str, Any], done: list[tuple[str, str]]) -> Batch:
        """Return the batch of some rows; of a file that is no list, it only counts them."""
        if piece.is_list:
            self._any_list, self._checkpoint = True, checkpoint
            return piece.batch(checkpoint, done)
        self._done += done
        self._why += [f"{name}: {piece.failure or ', '.join(piece.rejected)}" for _, name in done[:1]]
        return piece.batch(self._checkpoint, [])

    def end(self) -> Iterator[Batch]:
        """Yield the batch that ends the run, if one is needed. Raises ``TryLater`` if no file could be read."""
        if self._done and not self._any_list:
            more = f", and {len(self._why) - 1} more files" if len(self._why) > 1 else ""
            raise TryLater(f"no file could be read ({self._why[0]}{more}): replace or remove the files")
        if self._done:
            yield Batch([], self._checkpoint, 0, done=self._done)


def _is_left(name: str) -> bool:
    """Return whether a file of that name is hidden or unfinished."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def _above_pattern(path: Path) -> Path:
    """Return the folder of a pattern: the last one before its first wildcard."""
    return next(folder for folder in path.parents if not has_magic(str(folder)))


def _not_ahead(moment: datetime) -> datetime:
    """Return the moment, or now if it is in the future."""
    return min(moment, datetime.now(UTC))


def _state(path: Path) -> tuple[int, int]:
    """Return size and modification time, which differ after a change of the file."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _consequence(path: Path, error: OSError) -> Exception:
    if isinstance(error, PermissionError):
        return Misconfigured(f"{escaped(str(path))}: may not be read by this user")
    return TryLater(f"{escaped(str(path))}: cannot be read at the moment: {error.strerror}")
