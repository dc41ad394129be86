"""``file-pull`` with an SFTP server, and with an S3 bucket, as the peer."""

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.store import Store
from tests.contract.connectors.contract import PARTNER
from tests.contract.connectors.elsewhere import S3Contract, SftpContract
from tests.contract.connectors.proxy import tunnelling
from tests.contract.connectors.pulls import PullContract
from tests.running import run


def trickle(server: socket.socket) -> None:
    """Send a byte from time to time, without ever finishing."""
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer, suppress(OSError):
            peer.recv(1 << 16)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 100000\r\n\r\n")
            while True:
                peer.sendall(b" ")
                time.sleep(0.2)


def lines(count: int) -> str:
    return "".join(f"h{number}.example.com\n" for number in range(count))


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_wrong_credentials_are_misconfigured",
    "test_a_key_is_used_instead_of_a_password",
    "test_server_with_another_key_is_refused",
    "test_unknown_server_is_refused",
    "test_private_address_is_contacted_only_if_configured",
    "test_hidden_unfinished_and_linked_files_are_skipped",
    "test_a_pattern_names_files_in_folders_below",
    "test_missing_path_is_misconfigured",
    "test_file_read_long_ago_is_not_fetched_again",
    "test_too_large_file_is_skipped",
    "test_proxy_is_used",
)
class TestFilePullOverSftp(SftpContract, PullContract):
    connector = "file-pull"
    bad_settings = (
        ({"known_hosts": None}, "known_hosts: set the file"),
        ({"password": None}, "either password or key_file"),
        ({"user": None}, "set user"),
        ({"path": "sftp://hub:s3cret@127.0.0.1/drop"}, "use the settings user and password"),
        ({"path": "ftp://127.0.0.1/drop"}, "path: a folder of this machine, sftp://"),
        ({"path": "sftp://[::1/drop"}, "path: not a URL"),
    )
    hours = 0.0
    place = "drop"

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "path": f"sftp://127.0.0.1:{self.machine.port}/drop",
            "user": "hub",
            "password": {"env": "SFTP_PASSWORD"},
            "known_hosts": str(self.machine.known_hosts),
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "answer_within": self.timeout,
            "allow_private": True,
            **more,
        }

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        at = time.time() + self.hours * 3600
        os.utime(file, (at, at))

    def prepare(self, store: Store, count: int) -> None:
        self.write(f"{count}.txt", lines(count))

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.write("bad.txt", "a.example.com\nwhat is this\nb.example.com\n")

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.write("bad.json", '[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]')

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.hours = hours

    def test_a_key_is_used_instead_of_a_password(self, store: Store, tmp_path: Path) -> None:
        self.machine.password = "changed"
        self.prepare(store, 1)
        more = {"password": None, "key_file": str(tmp_path / "key")}
        assert "does not exist" in str(run(store, self.feed(**more)).error)
        self.machine.client_key.write_private_key(tmp_path / "key")
        assert run(store, self.feed(**more)).accepted == 1

    def test_server_with_another_key_is_refused(self, store: Store) -> None:
        self.prepare(store, 1)
        result = run(store, self.feed(known_hosts=str(self.machine.stranger)))
        assert (result.ending, result.read) == ("misconfigured", 0)
        assert "known_hosts" in str(result.error)

    @pytest.mark.parametrize("known", ["", "nowhere"])
    def test_unknown_server_is_refused(self, store: Store, tmp_path: Path, known: str) -> None:
        (tmp_path / "empty").touch()
        self.prepare(store, 1)
        result = run(store, self.feed(known_hosts=str(tmp_path / (known or "empty"))))
        assert (result.ending, result.read) == ("misconfigured", 0)

    def test_private_address_is_contacted_only_if_configured(self, store: Store) -> None:
        result = run(store, self.feed(allow_private=False))
        assert result.ending == "misconfigured"
        assert "allow_private" in str(result.error)

    def test_hidden_unfinished_and_linked_files_are_skipped(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "root" / "secret.txt").write_text(lines(9))
        for name in (".hidden", "a.csv.part", "c.txt~"):
            self.write(name, lines(9))
        (self.folder / "link.txt").symlink_to("../secret.txt")
        (self.folder / "below").mkdir()
        (self.folder / "below" / "a.txt").write_text(lines(9))
        assert run(store, self.feed()).read == 0

    def test_a_pattern_names_files_in_folders_below(self, store: Store) -> None:
        (self.folder / "below").mkdir()
        (self.folder / "below" / "a.txt").write_text(lines(2))
        self.write("b.csv", "domain\nb.example.com\n")
        path = f"sftp://127.0.0.1:{self.machine.port}/drop/**/*.txt"
        assert run(store, self.feed(path=path)).read == 2

    def test_missing_path_is_misconfigured(self, store: Store) -> None:
        result = run(store, self.feed(path=f"sftp://127.0.0.1:{self.machine.port}/nowhere"))
        assert result.ending == "misconfigured"

    def test_file_read_long_ago_is_not_fetched_again(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hours = -1
        self.prepare(store, 2)
        run(store, self.feed())
        monkeypatch.setattr("feeds.transport.remote.Remote.fetch", lambda *_: pytest.fail("fetched again"))
        assert run(store, self.feed()).error is None

    def test_too_large_file_is_skipped(self, store: Store) -> None:
        self.prepare(store, 1000)
        result = run(store, self.feed(max_bytes=1024))
        assert (result.ending, result.read) == ("try-later", 0)

    def test_proxy_is_used(self, store: Store) -> None:
        self.prepare(store, 2)
        known = self.machine.known_hosts
        known.write_text(known.read_text().replace("127.0.0.1", "drop.example.com"))
        path = f"sftp://drop.example.com:{self.machine.port}/drop"
        with tunnelling() as proxy:
            assert run(store, self.feed(path=path, proxy=proxy.url, allow_private=False)).accepted == 2
        assert proxy.asked[0].startswith(f"CONNECT drop.example.com:{self.machine.port} ")


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_wrong_credentials_are_misconfigured",
    "test_a_pattern_names_files_in_folders_below",
    "test_private_address_is_contacted_only_if_configured",
    "test_name_is_resolved_and_checked_for_each_connection",
    "test_proxy_is_contacted_instead_of_the_service",
    "test_certificate_authority_comes_from_the_settings",
    "test_trickling_response_times_out",
)
class TestFilePullFromS3(S3Contract, PullContract):
    connector = "file-pull"
    bad_settings = (
        ({"secret_key": None}, "access_key and secret_key"),
        ({"anonymous": True}, "or anonymous"),
        ({"endpoint": "https://hub:s3cret@peer.example/"}, "must not contain user or password"),
        ({"path": "s3:///in"}, "s3://bucket/folder"),
    )
    place = "drop"

    @pytest.fixture(autouse=True)
    def _a_mark(self, _server: None) -> None:
        """Put an object that some programs create in buckets to represent a folder."""
        self.bucket.put("in/", b"")

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "path": "s3://drop/in",
            "access_key": {"env": "S3_KEY"},
            "secret_key": {"env": "S3_SECRET"},
            "endpoint": self.here,
            "region": "us-east-1",
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "allow_private": True,
            **more,
        }

    def write(self, name: str, text: str) -> None:
        self.bucket.put(f"in/{name}", text.encode())

    def prepare(self, store: Store, count: int) -> None:
        self.write(f"{count}.txt", lines(count))

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.write("bad.txt", "a.example.com\nwhat is this\nb.example.com\n")

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.write("bad.json", '[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]')

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        """Do nothing: a bucket dates its objects itself, and is not queried by date."""

    def test_a_pattern_names_files_in_folders_below(self, store: Store) -> None:
        self.write("below/a.txt", lines(2))
        self.write("b.csv", "domain\nb.example.com\n")
        assert run(store, self.feed(path="s3://drop/in/**/*.txt")).read == 2

    def test_private_address_is_contacted_only_if_configured(self, store: Store) -> None:
        result = run(store, self.feed(allow_private=False))
        assert result.ending == "misconfigured"
        assert "allow_private" in str(result.error)

    def test_name_is_resolved_and_checked_for_each_connection(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 2)
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **more: Any) -> Any:
            return real("127.0.0.1" if host in ("storage", b"storage") else host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        endpoint = self.url.replace("127.0.0.1", "storage")
        result = run(store, self.feed(endpoint=endpoint, allow_private=False))
        assert result.ending == "misconfigured"
        assert "allow_private" in str(result.error)
        assert run(store, self.feed(endpoint=endpoint)).accepted == 2

    def test_proxy_is_contacted_instead_of_the_service(self, store: Store) -> None:
        with tunnelling() as proxy:
            proxy.status = 403
            feed = self.feed(endpoint="http://s3.example.com", proxy=proxy.url, allow_private=False)
            assert run(store, feed).ending == "misconfigured"
        assert proxy.asked[0].split(" ")[1].startswith("http://s3.example.com/drop")

    def test_certificate_authority_comes_from_the_settings(self, store: Store, tmp_path: Path) -> None:
        result = run(store, self.feed(ca_file=str(tmp_path / "none.pem")))
        assert result.ending == "misconfigured"
        assert "does not exist" in str(result.error)

    def test_trickling_response_times_out(self, store: Store) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=trickle, args=(server,), daemon=True).start()
            endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
            result = run(store, self.feed(endpoint=endpoint, answer_within="1s"))
        assert result.ending == "try-later"
        assert (result.ended - result.started).total_seconds() < self.patience
