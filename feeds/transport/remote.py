"""Folders on other machines (SFTP, S3, …) as file systems, and the files in them."""

import functools
import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Annotated, Any, BinaryIO, NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

import asyncssh
from fsspec.asyn import AsyncFileSystem, FSTimeoutError, sync
from pydantic import Field, model_validator
from sshfs import SSHFileSystem

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured, TryLater
from feeds.settings import Duration, Secret, duration
from feeds.transport import connections
from feeds.transport.connections import ProxySettings, check_url
from feeds.transport.local import Written, parts_inside, unfinished_name, write_out
from schemas.text import escaped

_SSH_PORT = 22


class RemoteSettings(ProxySettings):
    """A folder here, on an SFTP server or in an S3 bucket, with the login and the trust settings."""

    path: str
    user: Annotated[str | None, Field(description="sftp: user name")] = None
    password: Annotated[Secret | None, Field(description="sftp: password")] = None
    key_file: Annotated[Path | None, Field(description="sftp: file of the private key, instead of a password")] = None
    known_hosts: Annotated[Path | None, Field(description="sftp: file with the server's key, in OpenSSH's format")] = (
        None
    )
    access_key: Annotated[Secret | None, Field(description="s3: access key")] = None
    secret_key: Annotated[Secret | None, Field(description="s3: secret key")] = None
    anonymous: Annotated[bool, Field(description="s3: the bucket is public")] = False
    endpoint: Annotated[str | None, Field(description="s3: URL of a service other than Amazon's")] = None
    region: Annotated[str | None, Field(description="s3: region of the bucket")] = None
    ca_file: Annotated[
        Path | None,
        Field(description="s3: file with the certificates of the authority that issued the service's certificate"),
    ] = None
    timeout: Annotated[Duration, Field(description="longest wait for the next part of a response")] = "30s"
    answer_within: Annotated[Duration, Field(description="longest time for one whole file")] = "10m"
    max_bytes: Annotated[int, Field(ge=1024, description="the largest file to accept from another machine")] = 1 << 30
    allow_private: Annotated[bool, Field(description="allow connections to this machine and to private networks")] = (
        False
    )

    @property
    def is_remote(self) -> bool:
        """Return whether the folder is on another machine."""
        return "://" in self.path

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse settings that do not fit ``path``."""
        if not self.is_remote:
            return self
        try:
            parts = urlsplit(self.path)
            _ = parts.port
        except ValueError:
            raise ValueError("path: not a URL") from None
        if parts.scheme == "sftp":
            if not parts.hostname or "@" in parts.netloc:
                raise ValueError("path: write it as sftp://server/folder; use the settings user and password")
            if self.known_hosts is None:
                raise ValueError("known_hosts: set the file with the server's key; no other server is trusted")
            if not self.user or (self.password is None) == (self.key_file is None):
                raise ValueError("set user, and either password or key_file")
            self.check_tunnel()
        elif parts.scheme == "s3":
            if not parts.netloc:
                raise ValueError("path: write it as s3://bucket/folder")
            if self.endpoint is not None:
                check_url(self.endpoint)
            if (self.access_key is None) != (self.secret_key is None) or self.anonymous == bool(self.access_key):
                raise ValueError("set access_key and secret_key, or anonymous = true")
        else:
            raise ValueError("path: a folder of this machine, sftp://server/folder, or s3://bucket/folder")
        return self

    @property
    def patience(self) -> float:
        """Return the longest wait for the next part of a response, in seconds."""
        return duration(self.timeout).total_seconds()


class OpenedFilesystem(NamedTuple):
    """A file system, and a function that interrupts everything under way with it."""

    files: AsyncFileSystem
    hang_up: Callable[[], None]


def open_sftp(settings: RemoteSettings, parts: SplitResult) -> OpenedFilesystem:
    """Connect to the server of ``parts``."""
    known = settings.known_hosts
    if known is None or not known.is_file():
        raise Misconfigured(f"known_hosts: {known} does not exist")
    if settings.key_file is not None and not settings.key_file.is_file():
        raise Misconfigured(f"key_file: {settings.key_file} does not exist")
    host, port, seconds = parts.hostname or "", parts.port or _SSH_PORT, settings.patience
    # The address is checked here, and only this connection is used.
    opened = connections.connect_to(settings, host, port, timeout=seconds, allow_private=settings.allow_private)
    opened.setblocking(False)
    with closed_on_error(opened):
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
            connect_timeout=seconds,
            login_timeout=seconds,
            keepalive_interval=seconds,
            keepalive_count_max=2,
            timeout=seconds * 2,
            skip_instance_cache=True,
        )
    return OpenedFilesystem(files, lambda: files.loop.call_soon_threadsafe(files.client.abort))


def open_s3(settings: RemoteSettings) -> OpenedFilesystem:
    """Open the S3 service; the address of each later connection is checked too."""
    try:
        from s3fs import S3FileSystem
    except ImportError:
        raise Misconfigured('path: s3:// needs the extra: pip install "scamfeed[s3]"') from None
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise Misconfigured(f"ca_file: {settings.ca_file} does not exist")
    host = urlsplit(settings.endpoint or "").hostname or ""
    if not settings.allow_private and host and connections.is_private_literal(host):
        raise Misconfigured(connections.private_address_message(host))
    seconds = settings.patience
    # The proxy may have any address: the operator chose it.
    dialler = GuardedSockets(allow_private=settings.allow_private or bool(settings.proxy))
    files = S3FileSystem(
        session=_s3_session(),
        anon=settings.anonymous,
        key=settings.access_key.reveal() if settings.access_key else None,
        secret=settings.secret_key.reveal() if settings.secret_key else None,
        endpoint_url=settings.endpoint,
        # Authorities and proxies of the environment are ignored.
        client_kwargs={
            "verify": str(settings.ca_file) if settings.ca_file else True,
            **({"region_name": settings.region} if settings.region else {}),
        },
        config_kwargs={
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "retries": {"max_attempts": 2},
            "proxies": dict.fromkeys(("http", "https"), settings.proxy_url()) if settings.proxy else {},
            "connector_args": {"socket_factory": dialler.dial},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    # Its own retries would outlast every timeout.
    files.retries = 1
    return OpenedFilesystem(files, dialler.hang_up)


@functools.cache
def _s3_session() -> Any:
    """Return the session of all connections. It keeps Amazon's descriptions, whose loading takes 70 ms, not logins."""
    from aiobotocore.session import AioSession

    return AioSession()


class GuardedSockets:
    """Creates sockets for a library: only to allowed addresses, until it is closed."""

    def __init__(self, *, allow_private: bool) -> None:
        """Allow public addresses; private ones only with ``allow_private``."""
        self._allow_private = allow_private
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._over = False

    def dial(self, found: Any) -> socket.socket:
        """Return a socket for a resolved address in the form of ``getaddrinfo``."""
        family, kind, protocol, _, address = found
        if self._over:
            raise TimeoutError("takes too long")
        if not self._allow_private and not connections.is_public(str(address[0])):
            raise Misconfigured(connections.private_address_message(str(address[0])))
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made

    def hang_up(self) -> None:
        """Interrupt all connections, and allow no others."""
        self._over = True
        for connected in [*self._sockets]:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


@contextmanager
def remote_errors(at: str, path: str) -> Iterator[None]:
    """Convert errors of another machine to ``TryLater`` and ``Misconfigured``."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise Misconfigured(f"{at}: its key is not the one in known_hosts") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise Misconfigured("key_file: is not a private key without a passphrase") from error
    except (PermissionError, asyncssh.SFTPPermissionDenied, asyncssh.PermissionDenied) as error:
        raise Misconfigured(f"{at}: refuses these credentials, or the access with them") from error
    except (FileNotFoundError, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        raise Misconfigured(f"path: there is nothing at {escaped(path)}") from error
    except (OSError, FSTimeoutError, asyncssh.Error) as error:
        raise TryLater(f"{at}: does not answer ({type(error).__name__})") from error
    except Exception as error:  # error classes of an optional library cannot be named if it is not installed
        if type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp"):
            raise _refusal(error) or TryLater(f"{at}: does not answer ({type(error).__name__})") from error
        raise


def _refusal(error: BaseException | None) -> Misconfigured | None:
    """Return the refusal of ``GuardedSockets`` inside the errors that libraries wrap around it."""
    while error is not None and not isinstance(error, Misconfigured):
        error = error.__cause__ or error.__context__
    return error


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


class Remote(AbstractContextManager["Remote"]):
    """A file system of another machine, until it is closed."""

    def __init__(self, settings: RemoteSettings, path: str) -> None:
        """Connect. Raises ``TryLater`` and ``Misconfigured``."""
        self._settings = settings
        self._parts = urlsplit(path)
        self._at = escaped(f"{self._parts.scheme}://{self._parts.netloc}")
        self._is_sftp = self._parts.scheme == "sftp"
        self._path = unquote(self._parts.path) if self._is_sftp else self._parts.netloc + self._parts.path
        with self._consequences():
            opened = open_sftp(settings, self._parts) if self._is_sftp else open_s3(settings)
        self._files, self._abort = opened

    def __exit__(self, *_: object) -> None:
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
        # Empty files are ignored, such as the marks that some programs create in buckets for folders.
        found = [_found(entry) for entry in entries if entry["type"] == "file" and entry["size"]]
        return sorted(found, key=lambda file: (file.changed, file.path))

    def fetch(self, file: RemoteFile, into: IO[bytes]) -> str:
        """Copy a file into ``into``, and return its SHA-256."""
        digest, size = hashlib.sha256(), 0
        # From a bucket, request as much at once as arrives within the timeout over a slow line.
        slices = {} if self._is_sftp else {"block_size": _SLICE}
        with self._asking(), self._files.open(file.path, "rb", **slices) as stream:
            while True:
                with connections.interrupted_after(self._settings.patience, self._abort):
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
        """Write a file to the folder: it is complete under its name, or does not exist.

        Until it is complete it has the name ``unfinished_name``.
        """
        path = self._of(name)
        with self._asking():
            if not self._is_sftp:
                # An object of a bucket exists only after it has arrived completely.
                self._files.put_file(str(file), path)
                return
            self._files.info(self._path)
            folder = path.rpartition("/")[0]
            unfinished = f"{folder}/{unfinished_name}"
            try:
                sync(self._files.loop, self._upload, file, folder, unfinished)
                sync(self._files.loop, self._rename, unfinished, path)
            except BaseException:  # any error: remove the incomplete file if possible
                with suppress(Exception):  # the first error says more
                    self._files.rm_file(unfinished)
                raise

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
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
                        f"{self._at}: a folder in path is a link or a file; files are written into real folders only"
                    )
            async with channel.open(unfinished, "xb") as out:
                with file.open("rb") as blocks:
                    while block := blocks.read(_BLOCK):
                        await out.write(block)

    async def _rename(self, unfinished: str, path: str) -> None:
        # The file system's own method copies if the server does not support this.
        async with self._files.client.start_sftp_client() as channel:
            try:
                await channel.posix_rename(unfinished, path)
            except asyncssh.SFTPOpUnsupported:
                message = f"{self._at}: cannot replace a file by another (posix-rename@openssh.com), unlike OpenSSH"
                raise Misconfigured(message) from None

    def _of(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        seconds = duration(self._settings.answer_within).total_seconds()
        with self._consequences(), connections.interrupted_after(seconds, self._abort):
            yield

    def _consequences(self) -> AbstractContextManager[None]:
        return remote_errors(self._at, self._parts.geturl())


def _found(about: dict[str, Any]) -> RemoteFile:
    changed = about.get("mtime") or about.get("LastModified") or datetime.now(UTC)
    return RemoteFile(about["name"], f"{about['size']} {about.get('ETag') or changed.isoformat()}", changed)


class RemoteFolder:
    """A folder of another machine; files are written here first."""

    def __init__(self, remote: Remote) -> None:
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
