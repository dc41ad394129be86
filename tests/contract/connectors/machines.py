"""Other machines with files, simulated by an SFTP server and an S3 service."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import requests


class _Login(asyncssh.SSHServer):
    def __init__(self, machine: "SftpMachine") -> None:
        self._machine = machine

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._machine.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return (username, key) == ("hub", self._machine.client_key.convert_to_public())

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("hub", self._machine.password)


class _Files(asyncssh.SFTPServer):
    machine: "SftpMachine"

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:  # type: ignore[override]  # may wait
        if self.machine.silent:
            await asyncio.sleep(5)
        data = super().read(file_obj, offset, size)
        return bytes(await data if asyncio.iscoroutine(data) else data)  # type: ignore[arg-type]  # either

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self.machine.full:
            raise OSError(28, "No space left on device")
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]  # the number of bytes

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if self.machine.old:
            raise asyncssh.SFTPOpUnsupported("posix-rename")
        return super().posix_rename(oldpath, newpath)

    async def stat(self, path: bytes) -> Any:
        if self.machine.silent:
            await asyncio.sleep(5)
        return super().stat(path)

    async def scandir(self, path: bytes) -> Any:
        if self.machine.silent:
            await asyncio.sleep(5)
        async for entry in super().scandir(path):
            yield entry


class SftpMachine:
    """An SFTP server for one folder.

    With ``silent`` it accepts requests without responding, with ``full`` it accepts no more bytes, and with ``old`` it
    replaces no file.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.password = "s3cret"
        self.silent = self.full = self.old = False
        self.port = 0
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.known_hosts = home / "known_hosts"
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.stranger = home / "other_hosts"
        self._home = home
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: Any = None

    def start(self) -> None:
        """Respond on the same port as before."""
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        self.port = self._server.get_port()
        public = self._key.export_public_key().decode().strip()
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")
        self.stranger.write_text(f"[127.0.0.1]:{self.port} {other}\n")

    def stop(self) -> None:
        """Do not respond."""
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._close(self._server), self._loop).result(60)
            self._server = None

    def close(self) -> None:
        self.stop()
        asyncio.run_coroutine_threadsafe(self._end_connections(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> Any:
        folder, machine = str(self.folder), self
        kind = type("Bound", (_Files,), {"machine": machine})
        return await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self._key],
            server_factory=lambda: _Login(machine),
            sftp_factory=lambda channel: kind(channel, chroot=folder.encode()),
            reuse_address=True,
        )

    async def _end_connections(self) -> None:
        """End the tasks and sockets of disconnected clients; otherwise the garbage collector warns in a later test."""
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()

    @staticmethod
    async def _close(server: Any) -> None:
        server.close()
        await server.wait_closed()


@contextmanager
def s3() -> Iterator[str]:
    """Run an S3 service, and yield its URL."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        yield url
    finally:
        # All services of a process have one setting.
        requests.post(f"{url}/moto-api/reset-auth", data="inf", timeout=60).raise_for_status()
        server.stop()


def empty(url: str) -> None:
    """Remove everything in the S3 service at ``url``."""
    requests.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()


class S3Bucket:
    """A bucket of the S3 service of this process. Its objects are read and written without requests."""

    def __init__(self, name: str) -> None:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        self._name = name
        self._service: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._service.create_bucket(name, "us-east-1")

    def read(self, key: str) -> bytes | None:
        """Return an object; None if there is none."""
        if self._name not in self._service.buckets:
            return None
        found = self._service.get_object(self._name, key)
        return None if found is None else bytes(found.value)

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self._service.put_object(self._name, key, data)

    def remove(self) -> None:
        """Remove the bucket with its objects."""
        for key in list(self._service.buckets[self._name].keys):
            self._service.delete_object(self._name, key)
        self._service.delete_bucket(self._name)
