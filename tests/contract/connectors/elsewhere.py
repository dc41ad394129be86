"""Suites whose peer is a folder on another machine: an SFTP server, or an S3 bucket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.contract.connectors.contract import Contract
from tests.contract.connectors.machines import SftpMachine, empty


class SftpContract(Contract):
    """Its peer is ``folder``, which the SFTP server ``machine`` calls ``/{place}``."""

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
    """Its peer is the bucket ``place`` of the service at ``url``; ``here`` is where it is looked for."""

    place: str
    url = ""
    here: str
    deaf: socket.socket | None = None

    @pytest.fixture(autouse=True)
    def _server(self, s3_service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("S3_KEY", "hub")
        monkeypatch.setenv("S3_SECRET", "s3cret")
        empty(s3_service)
        self.url = self.here = s3_service
        self.bucket = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.bucket.create_bucket(Bucket=self.place)
        yield
        self.bucket.close()

    def break_credentials(self) -> None:
        for entry in self.bucket.list_objects_v2(Bucket=self.place).get("Contents", []):
            self.bucket.delete_object(Bucket=self.place, Key=entry["Key"])
        self.bucket.delete_bucket(Bucket=self.place)

    def kill_peer(self) -> None:
        self.here = "http://127.0.0.1:9"

    def silence_peer(self) -> None:
        self.deaf = socket.create_server(("127.0.0.1", 0))
        self.here = f"http://127.0.0.1:{self.deaf.getsockname()[1]}"

    def revive_peer(self) -> None:
        self.here = self.url
        if self.deaf is not None:
            self.deaf.close()
