"""Folders for written files: a file is complete under its name, or does not exist."""

import errno
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from feeds.errors import Misconfigured, TryLater
from schemas.text import escaped

UNFINISHED = ".part"
_UNFINISHED_SECONDS = 86_400
_LARGEST_READ = 64 << 20
_DEEPEST = 3
_PART = re.compile(r"(?!\.\.?$)[^/\x00-\x1f]{1,200}")
_NOT_THERE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR)


class Written(NamedTuple):
    """A written file: the ``number`` that its writer returned, its size and its SHA-256."""

    number: int
    bytes: int
    sha256: str


class TargetFolder(Protocol):
    """A folder for written files. All methods raise ``TryLater`` and ``Misconfigured``."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is none."""

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write a file with ``write``, and give it its name only at the end."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""

    def close(self) -> None:
        """Close the folder."""


class LocalFolder:
    """A folder of this machine, which must exist; links in it are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None for a link, and for anything that is not a file."""
        try:
            with self._folder(name) as (folder, last):
                # Not blocking: opening a pipe would wait for a writer.
                number = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                with os.fdopen(number, "rb") as found:
                    about = os.fstat(number)
                    return found.read() if stat.S_ISREG(about.st_mode) and about.st_size <= _LARGEST_READ else None
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise self._consequence(error) from error

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write under a random name, then rename."""
        try:
            if not self._path.is_dir():
                raise Misconfigured(f"path: the folder {escaped(str(self._path))} does not exist; create it first")
            with self._folder(name, make=True) as (folder, last):
                self._remove_unfinished(folder, last)
                unfinished = unfinished_name(last)
                try:
                    new = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                    with os.fdopen(os.open(unfinished, new, 0o666, dir_fd=folder), "w+b") as out:
                        written = write_out(out, write)
                    os.replace(unfinished, last, src_dir_fd=folder, dst_dir_fd=folder)
                finally:
                    with suppress(OSError):
                        os.unlink(unfinished, dir_fd=folder)
                return written
        except OSError as error:
            raise self._consequence(error) from error

    def remove(self, name: str) -> None:
        """Remove a file if possible."""
        with suppress(OSError), self._folder(name) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def close(self) -> None:
        """Do nothing."""

    @contextmanager
    def _folder(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder of a file; yield it with the file's last name. Raises ``OSError`` for a link."""
        *below, last = parts_inside(name)
        opened = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in below:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=opened)
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened)
                os.close(opened)
                opened = inner
            yield opened, last
        finally:
            os.close(opened)

    def _remove_unfinished(self, folder: int, last: str) -> None:
        """Remove unfinished files that a crash left a day or more ago."""
        limit = time.time() - _UNFINISHED_SECONDS
        for name in os.listdir(folder):
            if name.startswith(f".{last}.") and name.endswith(UNFINISHED):
                with suppress(OSError):
                    if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < limit:
                        os.unlink(name, dir_fd=folder)

    def _consequence(self, error: OSError) -> Exception:
        shown = escaped(str(self._path))
        if isinstance(error, PermissionError):
            return Misconfigured(f"path: {shown}: this user may not write there")
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return Misconfigured(
                f"path: {shown}: a folder in it is a link or a file; files are written into real folders only"
            )
        return TryLater(f"path: {shown}: cannot be written at the moment: {error.strerror}")


def unfinished_name(last: str) -> str:
    """Return a random name for a file during writing."""
    return f".{last}.{secrets.token_hex(8)}{UNFINISHED}"


def parts_inside(name: str) -> list[str]:
    """Return the parts of a file's name. Raises ``Misconfigured`` for a name that could lead out of the folder."""
    parts = name.split("/")
    if len(parts) > _DEEPEST or not all(map(_PART.fullmatch, parts)):
        raise Misconfigured(f"path: {escaped(name)[:100]} is not a name of a file in the folder")
    return parts


def write_out(out: BufferedRandom, write: Callable[[BinaryIO], int]) -> Written:
    """Write a file with ``write`` and sync it to the disk; return its size and digest."""
    number = write(out)
    out.flush()
    os.fsync(out.fileno())
    out.seek(0)
    digest = hashlib.file_digest(out, "sha256").hexdigest()
    return Written(number, out.tell(), digest)
