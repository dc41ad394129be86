"""The store of encrypted files: a folder of this machine, or a bucket, by fsspec."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs


class StoreOfFilesUnavailable(Exception):
    """The store of files is unavailable; the message says why."""


class FileStore:
    """A folder or a bucket of encrypted files, each with a name that reveals nothing."""

    def __init__(self, url: str) -> None:
        """Use a folder, or ``s3://bucket/folder`` with the credentials of the environment.

        Raises ``StoreOfFilesUnavailable``.
        """
        if "://" not in url:
            Path(url).mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            found: tuple[AbstractFileSystem, str] = url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise StoreOfFilesUnavailable(f"evidence_store: {error}") from None
        self._files, self._folder = found
        self._faults = _faults_of(found[0])
        self._is_local = "://" not in url or url.startswith("file:")

    def write(self, place: str, chunks: Iterable[bytes]) -> None:
        """Write a file atomically. Raises ``StoreOfFilesUnavailable``."""
        path = self._path(place)
        made = f"{path}.{secrets.token_hex(8)}" if self._is_local else path
        try:
            with self._files.open(made, "wb") as out:
                for chunk in chunks:
                    out.write(chunk)
                if self._is_local:
                    out.flush()
                    os.fsync(out.fileno())
            if self._is_local:
                Path(made).chmod(0o600)
                Path(made).replace(path)
        except self._faults as error:
            with suppress(*self._faults):
                self._files.rm_file(made)
            raise StoreOfFilesUnavailable(f"evidence_store: cannot be written: {_reason(error)}") from None

    @contextmanager
    def opened(self, place: str) -> Iterator[IO[bytes]]:
        """Open a file to read. Raises ``StoreOfFilesUnavailable``."""
        try:
            with self._files.open(self._path(place), "rb") as file:
                yield file
        except self._faults as error:
            raise StoreOfFilesUnavailable(f"evidence_store: cannot be read: {_reason(error)}") from None

    def remove(self, place: str) -> None:
        """Remove a file; a missing one counts as removed. Raises ``StoreOfFilesUnavailable``."""
        try:
            with suppress(FileNotFoundError):
                self._files.rm_file(self._path(place))
        except self._faults as error:
            raise StoreOfFilesUnavailable(f"evidence_store: cannot be changed: {_reason(error)}") from None

    def _path(self, place: str) -> str:
        return f"{self._folder}/{place}"


def _faults_of(files: AbstractFileSystem) -> tuple[type[Exception], ...]:
    """Return the exceptions of an unavailable store: a bucket's library has errors of its own besides the system's."""
    if "s3" not in files.protocol:
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError

    return OSError, BotoCoreError, ClientError


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error
