"""Folders on other machines: SFTP servers whose key is known, and S3 buckets."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import asyncssh
from fsspec.asyn import AsyncFileSystem, FSTimeoutError
from pydantic import BaseModel, ConfigDict, Field
from sshfs import SSHFileSystem

from feeds import addresses
from feeds.connector import Duration, Misconfigured, Secret, TryLater, duration
from feeds.outbound import check_url
from schemas.text import escaped

_BLOCK = 1 << 20
_SSH_PORT = 22


class RemoteSettings(BaseModel):
    """Who we are at an SFTP server or an S3 bucket, and by what we know it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: Annotated[str | None, Field(description="sftp: our user name")] = None
    password: Annotated[Secret | None, Field(description="sftp: our password")] = None
    key_file: Annotated[Path | None, Field(description="sftp: our private key, instead of a password")] = None
    known_hosts: Annotated[Path | None, Field(description="sftp: file with the server's key, as OpenSSH has it")] = None
    access_key: Annotated[Secret | None, Field(description="s3: our access key")] = None
    secret_key: Annotated[Secret | None, Field(description="s3: our secret key")] = None
    anonymous: Annotated[bool, Field(description="s3: the bucket is open to everybody")] = False
    endpoint: Annotated[str | None, Field(description="s3: URL of a service other than Amazon's")] = None
    region: Annotated[str | None, Field(description="s3: region of the bucket")] = None
    timeout: Annotated[Duration, Field(description="how long an answer may take to begin or go on")] = "30s"
    answer_within: Annotated[Duration, Field(description="how long one whole file may take")] = "10m"
    max_bytes: Annotated[int, Field(ge=1024, description="the largest file to take from another machine")] = 1 << 30
    allow_private: Annotated[
        bool, Field(description="connect to this machine and to private networks all the same")
    ] = False

    def check_remote(self, path: str) -> None:
        """Raise ``ValueError`` where these do not fit ``path``."""
        try:
            parts = urlsplit(path)
            _ = parts.port
        except ValueError:
            raise ValueError("path: not a URL") from None
        if parts.scheme == "sftp":
            if not parts.hostname or "@" in parts.netloc:
                raise ValueError("path: write it as sftp://server/folder; user and password have settings of their own")
            if self.known_hosts is None:
                raise ValueError("known_hosts: name the file with the server's key; no other server is trusted")
            if not self.user or (self.password is None) == (self.key_file is None):
                raise ValueError("give user, and either password or key_file")
        elif parts.scheme == "s3":
            if not parts.netloc:
                raise ValueError("path: write it as s3://bucket/folder")
            if self.endpoint is not None:
                check_url(self.endpoint)
            if (self.access_key is None) != (self.secret_key is None) or self.anonymous == bool(self.access_key):
                raise ValueError("give access_key and secret_key, or anonymous = true")
        else:
            raise ValueError("path: a folder of this machine, sftp://server/folder, or s3://bucket/folder")


class Found(NamedTuple):
    """A file: ``state`` is what tells that it is as it was."""

    path: str
    state: str
    changed: datetime

    @property
    def name(self) -> str:
        """Give the name without folders."""
        return PurePosixPath(self.path).name


class Remote:
    """A file system of another machine, until it is closed."""

    def __init__(self, settings: RemoteSettings, path: str) -> None:
        """Connect. Raises ``TryLater`` and ``Misconfigured``."""
        self._settings = settings
        self._parts = urlsplit(path)
        self._at = escaped(f"{self._parts.scheme}://{self._parts.netloc}")
        self._timeout = duration(settings.timeout).total_seconds()
        self._abort: Callable[[], None] = lambda: None
        with self._consequences():
            self._files: AsyncFileSystem = self._sftp() if self._parts.scheme == "sftp" else self._s3()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._abort()

    def find(self) -> list[Found]:
        """Give the files of the folder or pattern, the oldest first; links are left alone."""
        path = unquote(self._parts.path) if self._parts.scheme == "sftp" else self._parts.netloc + self._parts.path
        files = self._files
        with self._consequences(), self._within(duration(self._settings.answer_within).total_seconds()):
            if has_magic(path):
                entries = list(files.glob(path, detail=True).values())
            elif (about := files.info(path))["type"] == "directory":
                entries = files.ls(path, detail=True)
            else:
                entries = [about]
        # What is empty says nothing, as the marks that some programs leave in buckets for folders.
        found = [_found(each) for each in entries if each["type"] == "file" and each["size"]]
        return sorted(found, key=lambda file: (file.changed, file.path))

    def fetch(self, file: Found, into: IO[bytes]) -> str:
        """Copy a file, and give its SHA-256."""
        digest, size = hashlib.sha256(), 0
        with (
            self._consequences(),
            self._within(duration(self._settings.answer_within).total_seconds()),
            self._files.open(file.path, "rb") as stream,
        ):
            while True:
                with self._within(self._timeout):
                    block = stream.read(_BLOCK)
                if not block:
                    return digest.hexdigest()
                size += len(block)
                if size > self._settings.max_bytes:
                    raise TryLater(f"{self._at}: {escaped(file.name)} is larger than max_bytes")
                digest.update(block)
                into.write(block)

    def _sftp(self) -> AsyncFileSystem:
        settings = self._settings
        known = settings.known_hosts
        if known is None or not known.is_file():
            raise Misconfigured(f"known_hosts: there is no {known}")
        if settings.key_file is not None and not settings.key_file.is_file():
            raise Misconfigured(f"key_file: there is no {settings.key_file}")
        host, port = self._parts.hostname or "", self._parts.port or _SSH_PORT
        # The address is looked at here, and nothing but this connection is used.
        opened = addresses.connect(host, port, timeout=self._timeout, allow_private=settings.allow_private)
        opened.setblocking(False)
        try:
            files = SSHFileSystem(
                host,
                port=port,
                sock=opened,
                username=settings.user,
                password=settings.password.reveal() if settings.password else None,
                client_keys=[str(settings.key_file)] if settings.key_file else None,
                known_hosts=str(known),
                agent_path=None,
                config=None,
                connect_timeout=self._timeout,
                login_timeout=self._timeout,
                keepalive_interval=self._timeout,
                keepalive_count_max=2,
                timeout=self._timeout * 2,
                skip_instance_cache=True,
            )
        except BaseException:
            opened.close()
            raise
        self._abort = lambda: files.loop.call_soon_threadsafe(files.client.abort)
        return files

    def _s3(self) -> AsyncFileSystem:
        settings = self._settings
        try:
            from s3fs import S3FileSystem
        except ImportError:
            raise Misconfigured('path: s3:// needs the extra: pip install "scamfeed[s3]"') from None
        if settings.endpoint:
            parts = urlsplit(settings.endpoint)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            # Where the name leads is looked at once, before the first question.
            allowed = settings.allow_private
            addresses.connect(parts.hostname or "", port, timeout=self._timeout, allow_private=allowed).close()
        made: AsyncFileSystem = S3FileSystem(
            anon=settings.anonymous,
            key=settings.access_key.reveal() if settings.access_key else None,
            secret=settings.secret_key.reveal() if settings.secret_key else None,
            endpoint_url=settings.endpoint,
            client_kwargs={"region_name": settings.region} if settings.region else {},
            config_kwargs={
                "connect_timeout": self._timeout,
                "read_timeout": self._timeout,
                "retries": {"max_attempts": 2},
            },
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        # Its own repeats would outlast every timeout.
        made.retries = 1
        return made

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Hang up when it takes longer; who is waiting gets an error then."""
        timer = threading.Timer(seconds, self._abort)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextmanager
    def _consequences(self) -> Iterator[None]:
        try:
            yield
        except asyncssh.HostKeyNotVerifiable as error:
            raise Misconfigured(f"{self._at}: its key is not the one in known_hosts") from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise Misconfigured("key_file: is no private key without a passphrase") from error
        except (PermissionError, asyncssh.SFTPPermissionDenied, asyncssh.PermissionDenied) as error:
            raise Misconfigured(f"{self._at}: refuses these credentials, or what they ask for") from error
        except (FileNotFoundError, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise Misconfigured(f"path: there is nothing at {escaped(self._parts.geturl())}") from error
        except (OSError, FSTimeoutError, asyncssh.Error) as error:
            raise TryLater(f"{self._at}: does not answer ({type(error).__name__})") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp"):
                raise TryLater(f"{self._at}: does not answer ({type(error).__name__})") from error
            raise


def _found(about: dict[str, Any]) -> Found:
    changed = about.get("mtime") or about.get("LastModified") or datetime.now(UTC)
    return Found(about["name"], f"{about['size']} {about.get('ETag') or changed.isoformat()}", changed)
