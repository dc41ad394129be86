"""Folders that files are put into, here or on another machine: each is whole under its name or not there at all."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple, Protocol

from feeds.connector import Misconfigured, TryLater
from feeds.remote import Remote
from schemas.text import escaped


class Written(NamedTuple):
    """What a file has become: the ``number`` that its writer told, its size and its SHA-256."""

    number: int
    bytes: int
    sha256: str


class Folder(Protocol):
    """Where files are put. All raise ``TryLater`` and ``Misconfigured``."""

    def read(self, name: str) -> bytes | None:
        """Give what a file holds, None where there is none."""

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write a file by ``write``, and only then give it its name."""

    def remove(self, name: str) -> None:
        """Remove a file, where it is there."""

    def close(self) -> None:
        """Let go of the folder."""


class Here:
    """A folder of this machine, which has to be there."""

    def __init__(self, path: Path) -> None:
        """Use ``path``."""
        self._path = path

    def read(self, name: str) -> bytes | None:
        """Read a file."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._consequence(error) from error

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write beside, and rename."""
        target = self._path / name
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            if not self._path.is_dir():
                raise Misconfigured(f"path: there is no folder {escaped(str(self._path))}; make it first")
            target.parent.mkdir(exist_ok=True)
            written = _write(unfinished, write)
            unfinished.replace(target)
            return written
        except OSError as error:
            raise self._consequence(error) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file; one that cannot be is left."""
        with suppress(OSError):
            (self._path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing."""

    def _consequence(self, error: OSError) -> Exception:
        shown = escaped(str(self._path))
        if isinstance(error, PermissionError):
            return Misconfigured(f"path: {shown}: this user may not write there")
        return TryLater(f"path: {shown}: cannot be written just now: {error.strerror}")


class Elsewhere:
    """A folder of another machine; what goes there is written here first."""

    def __init__(self, remote: Remote) -> None:
        """Use an open connection."""
        self._remote = remote

    def read(self, name: str) -> bytes | None:
        """Fetch a file."""
        return self._remote.read(name)

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write here, and copy."""
        with TemporaryDirectory(prefix="scamfeed-") as working:
            file = Path(working) / "file"
            written = _write(file, write)
            self._remote.put(name, file)
        return written

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._remote.remove(name)

    def close(self) -> None:
        """Hang up."""
        self._remote.close()


def _write(path: Path, write: Callable[[BinaryIO], int]) -> Written:
    with path.open("w+b") as out:
        number = write(out)
        out.flush()
        os.fsync(out.fileno())
        out.seek(0)
        digest = hashlib.file_digest(out, "sha256").hexdigest()
        return Written(number, out.tell(), digest)
