"""Folders on other machines: SFTP servers with a known key, and S3 buckets."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, BinaryIO, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import asyncssh
from fsspec.asyn import sync

from feeds.connector import Misconfigured, TryLater, duration
from feeds.storage import filesystems
from feeds.storage.filesystems import RemoteSettings
from feeds.storage.local import Written, parts_inside, unfinished_name, write_out
from schemas.text import escaped

_BLOCK = 1 << 20
_SLICE = 5 << 20


class RemoteFile(NamedTuple):
    """A file; ``state`` changes when the file does."""

    path: str
    state: str
    changed: datetime

    @property
    def name(self) -> str:
        """Return the name without folders."""
        return PurePosixPath(self.path).name


class Remote:
    """A file system of another machine, until it is closed."""

    def __init__(self, settings: RemoteSettings, path: str) -> None:
        """Connect. Raises ``TryLater`` and ``Misconfigured``."""
        self._settings = settings
        self._parts = urlsplit(path)
        self._at = escaped(f"{self._parts.scheme}://{self._parts.netloc}")
        self._is_sftp = self._parts.scheme == "sftp"
        self._path = unquote(self._parts.path) if self._is_sftp else self._parts.netloc + self._parts.path
        with self._consequences():
            opened = filesystems.open_sftp(settings, self._parts) if self._is_sftp else filesystems.open_s3(settings)
        self._files, self._abort = opened

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._abort()

    def find(self) -> list[RemoteFile]:
        """Return the files of the folder or pattern, oldest first, without links."""
        path, files = self._path, self._files
        with self._asking():
            if has_magic(path):
                entries = list(files.glob(path, detail=True).values())
            elif (about := files.info(path))["type"] == "directory":
                entries = files.ls(path, detail=True)
            else:
                entries = [about]
        # What is empty says nothing, as the marks that some programs leave in buckets for folders.
        found = [_found(entry) for entry in entries if entry["type"] == "file" and entry["size"]]
        return sorted(found, key=lambda file: (file.changed, file.path))

    def fetch(self, file: RemoteFile, into: IO[bytes]) -> str:
        """Copy a file into ``into``, and return its SHA-256."""
        digest, size = hashlib.sha256(), 0
        # Of a bucket's objects as much is asked for at once as comes within the timeout over a slow line.
        slices = {} if self._is_sftp else {"block_size": _SLICE}
        with self._asking(), self._files.open(file.path, "rb", **slices) as stream:
            while True:
                with self._within(self._settings.patience):
                    block = stream.read(_BLOCK)
                if not block:
                    return digest.hexdigest()
                size += len(block)
                if size > self._settings.max_bytes:
                    raise TryLater(f"{self._at}: {escaped(file.name)} is larger than max_bytes")
                digest.update(block)
                into.write(block)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is none."""
        with self._asking():
            try:
                about = self._files.info(self._of(name))
            except FileNotFoundError:
                return None
            if about["type"] == "link":
                return None
            if about["size"] > self._settings.max_bytes:
                raise TryLater(f"{self._at}: {escaped(name)} is larger than max_bytes")
            return bytes(self._files.cat_file(self._of(name)))

    def put(self, name: str, file: Path, unfinished_name: str) -> None:
        """Put a file into the folder: whole under its name, or not there at all.

        Until it is whole it is called ``unfinished_name``.
        """
        path = self._of(name)
        with self._asking():
            if not self._is_sftp:
                # An object of a bucket is there when all of it has come.
                self._files.put_file(str(file), path)
                return
            self._files.info(self._path)
            folder = path.rpartition("/")[0]
            unfinished = f"{folder}/{unfinished_name}"
            try:
                sync(self._files.loop, self._upload, file, folder, unfinished)
                sync(self._files.loop, self._rename, unfinished, path)
            except BaseException:  # whatever it is, half a file is not left where that can be helped
                with suppress(Exception):  # what went wrong first says more
                    self._files.rm_file(unfinished)
                raise

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with self._asking(), suppress(FileNotFoundError):
            self._files.rm_file(self._of(name))

    async def _upload(self, file: Path, folder: str, unfinished: str) -> None:
        """Copy a file to a new one; never write to an existing file or link."""
        async with self._files.client.start_sftp_client() as channel:
            if folder != self._path.rstrip("/"):
                with suppress(asyncssh.SFTPError):
                    await channel.mkdir(folder)
                if (await channel.lstat(folder)).type != asyncssh.FILEXFER_TYPE_DIRECTORY:
                    raise Misconfigured(
                        f"{self._at}: a folder in path is a link or a file; files go into real ones only"
                    )
            async with channel.open(unfinished, "xb") as out:
                with file.open("rb") as blocks:
                    while block := blocks.read(_BLOCK):
                        await out.write(block)

    async def _rename(self, unfinished: str, path: str) -> None:
        # The file system's own way copies where the server cannot do this.
        async with self._files.client.start_sftp_client() as channel:
            try:
                await channel.posix_rename(unfinished, path)
            except asyncssh.SFTPOpUnsupported:
                message = f"{self._at}: cannot replace a file by another (posix-rename@openssh.com); OpenSSH can"
                raise Misconfigured(message) from None

    def _of(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self._consequences(), self._within(duration(self._settings.answer_within).total_seconds()):
            yield

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Hang up after ``seconds``; the waiting caller gets an error."""
        timer = threading.Timer(seconds, self._abort)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _consequences(self) -> AbstractContextManager[None]:
        return filesystems.remote_errors(self._at, self._parts.geturl())


def _found(about: dict[str, Any]) -> RemoteFile:
    changed = about.get("mtime") or about.get("LastModified") or datetime.now(UTC)
    return RemoteFile(about["name"], f"{about['size']} {about.get('ETag') or changed.isoformat()}", changed)


class RemoteFolder:
    """A folder of another machine; files are written here first."""

    def __init__(self, remote: Remote) -> None:
        """Use an open connection."""
        self._remote = remote

    def read(self, name: str) -> bytes | None:
        """Fetch a file."""
        return self._remote.read("/".join(parts_inside(name)))

    def put(self, name: str, write: Callable[[BinaryIO], int]) -> Written:
        """Write here, then copy."""
        with TemporaryDirectory(prefix="scamfeed-") as working:
            file = Path(working) / "file"
            with file.open("w+b") as out:
                written = write_out(out, write)
            self._remote.put("/".join(parts_inside(name)), file, unfinished_name(parts_inside(name)[-1]))
        return written

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._remote.remove("/".join(parts_inside(name)))

    def close(self) -> None:
        """Hang up."""
        self._remote.close()
