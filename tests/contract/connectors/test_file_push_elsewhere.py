"""``file-push`` with an SFTP server, and with an S3 bucket, as the peer."""

from typing import Any

import pytest

from server.store import Store
from tests.contract.connectors.elsewhere import S3Contract, SftpContract
from tests.contract.connectors.test_file_push import FilePushSuite
from tests.running import run


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_a_server_with_another_key_gets_nothing",
    "test_missing_target_folder_is_misconfigured",
    "test_a_server_that_cannot_replace_files_is_named",
    "test_wrong_credentials_are_misconfigured",
    "test_nothing_is_written_through_a_link",
    "test_silent_peer_times_out",
)
class TestFilePushOverSftp(SftpContract, FilePushSuite):
    bad_settings = (
        ({"known_hosts": None}, "known_hosts: set the file"),
        ({"user": None}, "set user"),
        ({"path": "ftp://127.0.0.1/out"}, "path: a folder of this machine, sftp://"),
        ({"proxy": "https://proxy.example:3128"}, "proxy: write it as http://"),
    )
    place = "out"

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(
            **{
                "path": f"sftp://127.0.0.1:{self.machine.port}/out",
                "user": "hub",
                "password": {"env": "SFTP_PASSWORD"},
                "known_hosts": str(self.machine.known_hosts),
                "timeout": self.timeout,
                "answer_within": self.timeout,
                "allow_private": True,
                **more,
            }
        )

    def data(self, name: str) -> bytes | None:
        return (self.folder / name).read_bytes() if (self.folder / name).exists() else None

    def test_a_server_with_another_key_gets_nothing(self, store: Store) -> None:
        self.prepare(store, 1)
        result = run(store, self.feed(known_hosts=str(self.machine.stranger)))
        assert (result.ending, [*self.folder.iterdir()]) == ("misconfigured", [])

    def test_missing_target_folder_is_misconfigured(self, store: Store) -> None:
        self.prepare(store, 1)
        result = run(store, self.feed(path=f"sftp://127.0.0.1:{self.machine.port}/nowhere"))
        assert result.ending == "misconfigured"
        assert not (self.folder.parent / "nowhere").exists()

    def test_interrupted_file_is_absent(self, store: Store) -> None:
        self.prepare(store, 3)
        run(store, self.feed(format="list"))
        before = self.data("takedown.txt")
        self.machine.full = True
        self.retract(store, "h0.example.com")
        assert run(store, self.feed(format="list")).ending == "try-later"
        assert self.data("takedown.txt") == before
        self.manifest()
        self.machine.full = False
        assert run(store, self.feed(format="list")).ending == "done"
        assert len((self.data("takedown.txt") or b"").split()) == 2
        assert list(self.folder.rglob("*.part")) == []

    @pytest.mark.parametrize("name", ["changes", "takedown.txt", ".takedown.txt.part", "manifest.json"])
    def test_nothing_is_written_through_a_link(self, store: Store, name: str) -> None:
        victim = self.folder.parent / "victim"
        victim.mkdir() if name == "changes" else victim.write_text("kept")
        (self.folder / name).symlink_to(victim)
        self.prepare(store, 2)
        ending = run(store, self.feed(format="list")).ending
        assert ending == ("misconfigured" if name == "changes" else "done")
        assert [*victim.iterdir()] == [] if name == "changes" else victim.read_text() == "kept"

    def test_a_server_that_cannot_replace_files_is_named(self, store: Store) -> None:
        self.prepare(store, 1)
        self.machine.old = True
        result = run(store, self.feed(format="list"))
        assert result.ending == "misconfigured"
        assert "posix-rename" in str(result.error)
        assert list(self.folder.rglob("*.part")) == []


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_wrong_credentials_are_misconfigured",
    "test_full_file_contains_the_active_listings",
)
class TestFilePushToS3(S3Contract, FilePushSuite):
    place = "out"

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(
            **{
                "path": "s3://out/example-telecom",
                "access_key": {"env": "S3_KEY"},
                "secret_key": {"env": "S3_SECRET"},
                "endpoint": self.here,
                "region": "us-east-1",
                "timeout": self.timeout,
                "allow_private": True,
                **more,
            }
        )

    def data(self, name: str) -> bytes | None:
        return self.bucket.read(f"example-telecom/{name}")
