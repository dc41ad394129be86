"""Files of reports that a partner leaves in a folder."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, field_validator

from feeds import formats
from feeds.connector import Batch, Misconfigured, Pull, PullSettings, TryLater
from feeds.mapping import Duplicate, Mapped, Options, map_stream
from schemas import kinds
from schemas.errors import Rejected
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

    Links, hidden files and files still being written (``.part``, ``.tmp``) are left alone. A file that cannot be read
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
            found = [Path(name) for name in glob(path, recursive=True)]
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
        row = start
        with file.path.open("rb") as stream:
            outcomes = map_stream(stream, file.path.name, self._options().at(reported_at))
            try:
                for _ in islice(outcomes, start):
                    pass
                while True:
                    batch = list(islice(outcomes, self.settings.batch))
                    row += len(batch)
                    ends = len(batch) < self.settings.batch
                    # A file that somebody went on writing is begun anew by the next run.
                    done = [(file.digest, file.path.name)] if ends and _state(file.path) == file.state else []
                    rejected = Counter(each.reason for each in batch if not isinstance(each, Mapped | Duplicate))
                    items = [each.objects for each in batch if isinstance(each, Mapped)]
                    yield Batch(items, {"digest": file.digest, "row": row}, len(batch), rejected, done)
                    if ends:
                        return
            except formats.UnreadableFile as error:
                _log.warning("file unreadable feed=%s file=%s error=%s", self.settings.name, file.path.name, error)
                checkpoint = {"digest": file.digest, "row": row}
                yield Batch([], checkpoint, 1, {"unreadable-file": 1}, [(file.digest, file.path.name)])

    def _options(self) -> Options:
        settings = self.settings
        said = {
            "scam_type": settings.scam_type,
            "tlp": settings.tlp and settings.tlp.value,
            "country": settings.country,
        }
        defaults = {name: text for name, text in said.items() if text}
        return Options(reporter=settings.contribute_as, kind=settings.kind, format=settings.format, defaults=defaults)


def _state(path: Path) -> tuple[int, int]:
    """Give size and time of change, which tell that a file is as it was."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _consequence(path: Path, error: OSError) -> Exception:
    if isinstance(error, PermissionError):
        return Misconfigured(f"{path}: may not be read by this user")
    return TryLater(f"{path}: cannot be read just now: {error.strerror}")
