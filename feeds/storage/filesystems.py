"""File systems of other machines: SFTP servers with a known key, S3 buckets, and errors by what follows."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit
from weakref import WeakSet

import asyncssh
from fsspec.asyn import AsyncFileSystem, FSTimeoutError
from pydantic import Field
from sshfs import SSHFileSystem

from feeds.connector import Duration, Misconfigured, Secret, TryLater, duration
from feeds.http import address_guard, proxy
from feeds.http.address_guard import check_url
from feeds.http.proxy import ProxySettings
from schemas.text import escaped

_SSH_PORT = 22


class RemoteSettings(ProxySettings):
    """Login and trust settings for an SFTP server or an S3 bucket."""

    user: Annotated[str | None, Field(description="sftp: our user name")] = None
    password: Annotated[Secret | None, Field(description="sftp: our password")] = None
    key_file: Annotated[Path | None, Field(description="sftp: our private key, instead of a password")] = None
    known_hosts: Annotated[Path | None, Field(description="sftp: file with the server's key, as OpenSSH has it")] = None
    access_key: Annotated[Secret | None, Field(description="s3: our access key")] = None
    secret_key: Annotated[Secret | None, Field(description="s3: our secret key")] = None
    anonymous: Annotated[bool, Field(description="s3: the bucket is open to everybody")] = False
    endpoint: Annotated[str | None, Field(description="s3: URL of a service other than Amazon's")] = None
    region: Annotated[str | None, Field(description="s3: region of the bucket")] = None
    ca_file: Annotated[
        Path | None, Field(description="s3: certificates of the authority that the service's is from")
    ] = None
    timeout: Annotated[Duration, Field(description="how long an answer may take to begin or go on")] = "30s"
    answer_within: Annotated[Duration, Field(description="how long one whole file may take")] = "10m"
    max_bytes: Annotated[int, Field(ge=1024, description="the largest file to take from another machine")] = 1 << 30
    allow_private: Annotated[
        bool, Field(description="connect to this machine and to private networks all the same")
    ] = False

    def check_remote(self, path: str) -> None:
        """Raise ``ValueError`` if the settings do not fit ``path``."""
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
            self.check_tunnel()
        elif parts.scheme == "s3":
            if not parts.netloc:
                raise ValueError("path: write it as s3://bucket/folder")
            if self.endpoint is not None:
                check_url(self.endpoint)
            if (self.access_key is None) != (self.secret_key is None) or self.anonymous == bool(self.access_key):
                raise ValueError("give access_key and secret_key, or anonymous = true")
        else:
            raise ValueError("path: a folder of this machine, sftp://server/folder, or s3://bucket/folder")

    @property
    def patience(self) -> float:
        """Return the seconds that an answer may take to begin or go on."""
        return duration(self.timeout).total_seconds()


class OpenedFilesystem(NamedTuple):
    """A file system, and a function that ends everything under way with it."""

    files: AsyncFileSystem
    hang_up: Callable[[], None]


def open_sftp(settings: RemoteSettings, parts: SplitResult) -> OpenedFilesystem:
    """Connect to the server of ``parts``."""
    known = settings.known_hosts
    if known is None or not known.is_file():
        raise Misconfigured(f"known_hosts: there is no {known}")
    if settings.key_file is not None and not settings.key_file.is_file():
        raise Misconfigured(f"key_file: there is no {settings.key_file}")
    host, port, seconds = parts.hostname or "", parts.port or _SSH_PORT, settings.patience
    # The address is looked at here, and nothing but this connection is used.
    opened = proxy.connect_to(settings, host, port, timeout=seconds, allow_private=settings.allow_private)
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
            connect_timeout=seconds,
            login_timeout=seconds,
            keepalive_interval=seconds,
            keepalive_count_max=2,
            timeout=seconds * 2,
            skip_instance_cache=True,
        )
    except BaseException:  # whatever it is, nobody else knows the socket
        opened.close()
        raise
    return OpenedFilesystem(files, lambda: files.loop.call_soon_threadsafe(files.client.abort))


def open_s3(settings: RemoteSettings) -> OpenedFilesystem:
    """Open the S3 service; the address of each later connection is checked too."""
    try:
        from s3fs import S3FileSystem
    except ImportError:
        raise Misconfigured('path: s3:// needs the extra: pip install "scamfeed[s3]"') from None
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise Misconfigured(f"ca_file: there is no {settings.ca_file}")
    host = urlsplit(settings.endpoint or "").hostname or ""
    if not settings.allow_private and host and address_guard.is_private_literal(host):
        raise Misconfigured(address_guard.private_address_message(host))
    seconds = settings.patience
    # The proxy may be anywhere: it is the operator's.
    dialler = GuardedSockets(allow_private=settings.allow_private or bool(settings.proxy))
    files = S3FileSystem(
        anon=settings.anonymous,
        key=settings.access_key.reveal() if settings.access_key else None,
        secret=settings.secret_key.reveal() if settings.secret_key else None,
        endpoint_url=settings.endpoint,
        # Neither authorities nor proxies are taken from the environment.
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
    # Its own repeats would outlast every timeout.
    files.retries = 1
    return OpenedFilesystem(files, dialler.hang_up)


class GuardedSockets:
    """Makes sockets for a library: to allowed addresses only, until it hangs up."""

    def __init__(self, *, allow_private: bool) -> None:
        """Allow public addresses; private ones with ``allow_private``."""
        self._allow_private = allow_private
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._over = False

    def dial(self, found: Any) -> socket.socket:
        """Return a socket for a resolved address, as ``getaddrinfo`` gives it."""
        family, kind, protocol, _, address = found
        if self._over:
            raise TimeoutError("takes too long")
        if not self._allow_private and not address_guard.is_public(str(address[0])):
            raise Misconfigured(address_guard.private_address_message(str(address[0])))
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made

    def hang_up(self) -> None:
        """Cut all connections, and allow no others."""
        self._over = True
        for connected in [*self._sockets]:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


@contextmanager
def remote_errors(at: str, path: str) -> Iterator[None]:
    """Turn errors of another machine into ``TryLater`` and ``Misconfigured``."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise Misconfigured(f"{at}: its key is not the one in known_hosts") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise Misconfigured("key_file: is no private key without a passphrase") from error
    except (PermissionError, asyncssh.SFTPPermissionDenied, asyncssh.PermissionDenied) as error:
        raise Misconfigured(f"{at}: refuses these credentials, or what they ask for") from error
    except (FileNotFoundError, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        raise Misconfigured(f"path: there is nothing at {escaped(path)}") from error
    except (OSError, FSTimeoutError, asyncssh.Error) as error:
        raise TryLater(f"{at}: does not answer ({type(error).__name__})") from error
    except Exception as error:  # what comes with an extra cannot be named where that is not there
        if type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp"):
            raise _refusal(error) or TryLater(f"{at}: does not answer ({type(error).__name__})") from error
        raise


def _refusal(error: BaseException | None) -> Misconfigured | None:
    """Return the refusal of ``GuardedSockets`` from under the errors that libraries put around it."""
    while error is not None and not isinstance(error, Misconfigured):
        error = error.__cause__ or error.__context__
    return error
