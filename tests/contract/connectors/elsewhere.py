"""Suites whose peer is a folder on another machine: an SFTP server, or an S3 bucket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.connectors.contract import Contract
from tests.contract.connectors.machines import S3Bucket, SftpMachine, empty


class SftpContract(Contract):
    """The peer is ``folder``, which the SFTP server ``machine`` serves as ``/{place}``."""

    url_gets_secret = False
    place: str
    folder: Path
    machine: SftpMachine

    @pytest.fixture(autouse=True)
    def _server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("SFTP_PASSWORD", "s3cret")
        self.folder = tmp_path / "root" / self.place
        self.folder.mkdir(parents=True)
        self.machine = SftpMachine(tmp_path / "root", tmp_path)
        self.machine.start()
        yield
        self.machine.close()

    def break_credentials(self) -> None:
        self.machine.password = "changed"

    def kill_peer(self) -> None:
        self.machine.stop()

    def silence_peer(self) -> None:
        self.machine.silent = True

    def revive_peer(self) -> None:
        if self.machine.silent:
            self.machine.silent = False
        else:
            self.machine.start()


class S3Contract(Contract):
    """The peer is the bucket ``place`` of the service at ``url``, where ``here`` is the address to search."""

    url_gets_secret = False
    place: str
    url = ""
    here: str
    deaf: socket.socket | None = None

    @pytest.fixture(autouse=True)
    def _server(self, s3_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("S3_KEY", "hub")
        monkeypatch.setenv("S3_SECRET", "s3cret")
        empty(s3_service)
        self.url = self.here = s3_service
        self.bucket = S3Bucket(self.place)

    def break_credentials(self) -> None:
        self.bucket.remove()

    def kill_peer(self) -> None:
        self.here = "http://127.0.0.1:9"

    def silence_peer(self) -> None:
        self.deaf = socket.create_server(("127.0.0.1", 0))
        self.here = f"http://127.0.0.1:{self.deaf.getsockname()[1]}"

    def revive_peer(self) -> None:
        self.here = self.url
        if self.deaf is not None:
            self.deaf.close()
