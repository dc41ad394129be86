"""``file-push`` with a folder as the peer."""

import base64
import hashlib
import os
from abc import abstractmethod
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from feeds.connector import Misconfigured
from feeds.connectors import file_push
from feeds.transport import local
from feeds.transport.signing import PAYLOAD_TYPE
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, partners
from server.store.item import Item
from tests.contract.connectors.contract import READER
from tests.contract.connectors.pushes import PushContract
from tests.running import run
from tests.times import set_written_now

_PRIVATE = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()


class FilePushSuite(PushContract):
    url_gets_secret = False
    connector = "file-push"

    @abstractmethod
    def data(self, name: str) -> bytes | None:
        """Return the content of a file in the folder, or None if it does not exist."""

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key = Ed25519PrivateKey.generate()
        monkeypatch.setenv("SIGNING_KEY", self.key.private_bytes(*_PRIVATE).decode())
        self.patch = monkeypatch

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "format": "stix",
            "signing_key": {"env": "SIGNING_KEY"},
            "partner": READER,
            "collection": "takedown",
            "batch": 3,
            **more,
        }

    def manifest(self) -> dict[str, Any]:
        """Return the manifest after verifying its signature and digests."""
        manifest, _ = self.published(self.data("manifest.json") or b"")
        return manifest

    def published(self, signed_manifest: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the manifest and its files after verifying signature and digests."""
        envelope = orjson.loads(signed_manifest)
        payload = base64.b64decode(envelope["payload"])
        type_ = envelope["payloadType"].encode()
        (signature,) = envelope["signatures"]
        signed = b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)
        self.key.public_key().verify(base64.b64decode(signature["sig"]), signed)
        manifest: dict[str, Any] = orjson.loads(payload)
        files: dict[str, bytes] = {}
        for file in manifest["files"]:
            data = self.data(file["name"])
            assert data is not None
            files[file["name"]] = data
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
        return manifest, files

    def files(self, role: str) -> list[bytes]:
        if (signed_manifest := self.data("manifest.json")) is None:
            return []
        manifest, files = self.published(signed_manifest)
        return [files[file["name"]] for file in manifest["files"] if file["role"] == role]

    def objects(self) -> list[dict[str, Any]]:
        if (signed_manifest := self.data("manifest.json")) is None:
            return []
        manifest, files = self.published(signed_manifest)
        changes = [file for file in manifest["files"] if file["role"] != "full"]
        return [obj for file in changes for obj in orjson.loads(files[file["name"]])["objects"]]

    def refuse(self, pattern: str) -> None:
        real = file_push.report_of

        def report_of(indicator: Any, names: Any) -> Any:
            if indicator["pattern"] == pattern:
                raise Rejected("not-a-kind", "no kind")
            return real(indicator, names)

        self.patch.setattr(file_push, "report_of", report_of)

    def test_a_refused_object_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare(store, 7)
        self.refuse("[domain-name:value = 'h3.example.com']")
        result = run(store, self.feed(format="list"))
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(b"".join(self.files("added")).split()) == 6

    def test_response_of_the_peer_is_stored_for_each_object(self, store: Store) -> None:
        self.patch.setattr(self, "table", lambda **more: type(self).table(self, **{"format": "list", **more}))
        super().test_response_of_the_peer_is_stored_for_each_object(store)

    def test_full_file_contains_the_active_listings(self, store: Store) -> None:
        self.prepare(store, 5)
        run(store, self.feed(format="list"))
        self.retract(store, "h2.example.com")
        run(store, self.feed(format="list"))
        (full,) = self.files("full")
        assert sorted(full.decode().split()) == [f"h{n}.example.com" for n in (0, 1, 3, 4)]
        assert self.files("removed") == [b"h2.example.com\n"]

    def test_full_file_is_renewed_only_by_age_and_revocations(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(format="list"))
        self.prepare(store, 3)
        run(store, self.feed(format="list"))
        assert len(self.files("full")[0].split()) == 2
        real = timestamp.now
        self.patch.setattr(file_push.timestamp, "now", lambda: real() + timedelta(hours=2))
        run(store, self.feed(format="list"))
        assert len(self.files("full")[0].split()) == 3

    def test_value_still_reported_by_another_is_not_removed(self, store: Store) -> None:
        other = "Example Registry"
        reader = ReportReader({"reporter": other, "kind": "domain", "reported_at": timestamp.text(timestamp.now())})
        from mappers import ids

        with store.begin() as tx:
            partners.add(
                tx, Partner(name=other, kind=PartnerKind.GOVERNMENT, identity=ids.identity(other), vouched=True)
            )
            objects = to_stix(reader.report({"value": "h0.example.com"}))
            contribute(Hub(store), tx, partners.get(tx, other), [Item.of(obj) for obj in objects])
        self.prepare(store, 2)
        run(store, self.feed(format="list", batch=1000))
        self.retract(store, "h0.example.com")
        run(store, self.feed(format="list", batch=1000))
        assert self.files("removed") == []
        self.retract(store, "h0.example.com", other)
        run(store, self.feed(format="list", batch=1000))
        assert self.files("removed") == [b"h0.example.com\n"]

    def test_filters_apply_to_the_full_file_too(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(format="list", kinds=["phone"]))
        assert self.files("full") == [b""]
        assert self.files("added") == []

    def test_old_change_files_are_deleted_and_dropped_from_the_manifest(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(format="list"))
        old = [file["name"] for file in self.manifest()["files"] if file["role"] == "added"]
        real = timestamp.now
        self.patch.setattr(file_push.timestamp, "now", lambda: real() + timedelta(days=8))
        self.prepare(store, 3)
        run(store, self.feed(format="list"))
        assert old
        assert not any(self.data(name) for name in old)
        assert self.files("added") == [b"h2.example.com\n"]

    def test_a_folder_of_files_is_written_as_a_whole_and_signed(self, store: Store) -> None:
        self.prepare(store, 4)
        assert run(store, self.feed(format="misp-feed")).ending == "done"
        manifest = self.manifest()
        names = [file["name"] for file in manifest["files"]]
        assert (names[-1], {file["role"] for file in manifest["files"]}) == ("takedown/manifest.json", {"full"})
        events = orjson.loads(self.data("takedown/manifest.json") or b"")
        assert sorted(f"takedown/{uuid}.json" for uuid in events) == [name for name in names if "-" in name]
        for number in range(4):
            self.retract(store, f"h{number}.example.com")
        assert run(store, self.feed(format="misp-feed")).ending == "done"
        assert orjson.loads(self.data("takedown/manifest.json") or b"") == {}
        assert [self.data(f"takedown/{uuid}.json") for uuid in events] == [None]


class TestFilePush(FilePushSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "out"
        self.folder.mkdir()
        self.fsync = os.fsync

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(**{"path": str(self.folder), **more})

    def data(self, name: str) -> bytes | None:
        return (self.folder / name).read_bytes() if (self.folder / name).exists() else None

    def break_credentials(self) -> None:
        self.folder.rmdir()

    def kill_peer(self) -> None:
        self._fail(OSError(5, "Input/output error"))

    def silence_peer(self) -> None:
        self._fail(TimeoutError(110, "Connection timed out"))

    def revive_peer(self) -> None:
        self.patch.setattr(os, "fsync", self.fsync)

    def _fail(self, error: OSError) -> None:
        def broken(_: int) -> None:
            raise error

        self.patch.setattr(os, "fsync", broken)

    def test_changed_manifest_is_detected(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        path = self.folder / "manifest.json"
        envelope = orjson.loads(path.read_bytes())
        payload = base64.b64decode(envelope["payload"]).replace(b'"takedown"', b'"takeover"')
        path.write_bytes(orjson.dumps(envelope | {"payload": base64.b64encode(payload).decode()}))
        with pytest.raises(InvalidSignature):
            self.manifest()

    def foreign(self, payload: bytes, **files: Any) -> None:
        """Write a manifest signed with another key, or unsigned."""
        envelope = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": []}
        signed = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
        signature = base64.b64encode(Ed25519PrivateKey.generate().sign(signed)).decode()
        envelope["signatures"] = files.get("signatures", [{"keyid": "00", "sig": signature}])
        (self.folder / "manifest.json").write_bytes(orjson.dumps(envelope))

    @pytest.mark.parametrize("signatures", [[], [{"keyid": "00", "sig": "AAAA"}], None])
    def test_foreign_manifest_entries_are_neither_signed_nor_removed(
        self, store: Store, tmp_path: Path, signatures: Any
    ) -> None:
        victim = tmp_path / "victim.txt"
        victim.write_text("kept")
        old = "2020-01-01T00:00:00Z"
        names = ["../victim.txt", str(victim), "changes/../../victim.txt", "bait.txt"]
        files = [
            {"name": name, "role": role, "created": old, "indicators": 1, "bytes": 1, "sha256": "00"}
            for name in names
            for role in ("added", "full")
        ]
        said = {"collection": "takedown", "format": "list", "created": old, "files": files}
        (self.folder / "bait.txt").write_text("kept")
        self.foreign(orjson.dumps(said), **({} if signatures is None else {"signatures": signatures}))
        self.prepare(store, 2)
        assert run(store, self.feed(format="list")).ending == "done"
        assert {file["name"] for file in self.manifest()["files"]}.isdisjoint(names)
        assert (victim.read_text(), (self.folder / "bait.txt").read_text()) == ("kept", "kept")

    @pytest.mark.parametrize("name", ["takedown.txt", "manifest.json"])
    def test_nothing_is_written_or_read_through_a_link_to_a_file(self, store: Store, tmp_path: Path, name: str) -> None:
        victim = tmp_path / "victim.txt"
        victim.write_text("kept")
        (self.folder / name).symlink_to(victim)
        self.prepare(store, 2)
        assert run(store, self.feed(format="list")).ending == "done"
        assert victim.read_text() == "kept"
        assert not (self.folder / name).is_symlink()
        self.manifest()

    def test_link_at_the_name_of_a_temporary_file_is_not_followed(self, store: Store, tmp_path: Path) -> None:
        victim = tmp_path / "victim.txt"
        victim.write_text("kept")
        for name in (f".manifest.json.{os.getpid()}.part", ".manifest.json.part", ".takedown.txt.part"):
            (self.folder / name).symlink_to(victim)
        self.patch.setattr(local.secrets, "token_hex", lambda _: "guessed")
        (self.folder / ".takedown.txt.guessed.part").symlink_to(victim)
        set_written_now(self.folder / ".takedown.txt.guessed.part")
        self.prepare(store, 2)
        assert run(store, self.feed(format="list")).ending == "try-later"
        self.patch.undo()
        assert victim.read_text() == "kept"

    def test_linked_folder_is_not_written_to(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (self.folder / "changes").symlink_to(tmp_path / "elsewhere")
        self.prepare(store, 2)
        result = run(store, self.feed(format="list"))
        assert (result.ending, [*(tmp_path / "elsewhere").iterdir()]) == ("misconfigured", [])
        assert "is a link" in str(result.error)

    def test_pipe_in_place_of_the_manifest_does_not_block(self, store: Store) -> None:
        os.mkfifo(self.folder / "manifest.json")
        self.prepare(store, 2)
        assert run(store, self.feed(format="list")).ending == "done"
        self.manifest()

    def test_unfinished_files_of_a_crash_are_deleted_after_a_day(self, store: Store) -> None:
        old, young = (self.folder / f".takedown.txt.{name}.part" for name in ("old", "young"))
        for file in (old, young):
            file.write_text("half")
            set_written_now(file)
        os.utime(old, (0, 0))
        self.prepare(store, 2)
        assert run(store, self.feed(format="list")).ending == "done"
        assert (old.exists(), young.exists()) == (False, True)

    @pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "a//x", "", ".", "a/b/c/d", "a\0b", "x" * 300])
    def test_names_outside_the_folder_are_refused(self, name: str) -> None:
        here = local.LocalFolder(self.folder)
        for use in (here.read, here.remove, lambda name: here.put(name, lambda out: out.write(b"x"))):
            with pytest.raises(Misconfigured, match="not a name of a file in the folder"):
                use(name)

    def test_file_is_complete_or_absent(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(format="list"))
        before = self.manifest()
        self.patch.setattr(file_push, "export", lambda *_, **__: 1 / 0)
        self.retract(store, "h0.example.com")
        assert run(store, self.feed(format="list")).ending == "failed"
        assert self.manifest()["files"][0] == before["files"][0]
        assert list(self.folder.rglob("*.part")) == []

    @pytest.mark.parametrize("name", ["csv", "jsonl", "hosts", "stix", "sentinel", "gse", "rpz"])
    def test_every_written_format_can_be_used(self, store: Store, name: str) -> None:
        self.prepare(store, 4)
        assert run(store, self.feed(format=name, least_grade="warn")).ending == "done"
        (full,) = [file for file in self.manifest()["files"] if file["role"] == "full"]
        assert full["indicators"] == 4

    @pytest.mark.parametrize("name", ["hosts", "rpz", "dnsmasq", "adblock", "ublacklist"])
    def test_block_list_formats_contain_listings_graded_block(self, store: Store, name: str) -> None:
        self.prepare(store, 3)
        self.block(store, "h1.example.com")
        run(store, self.feed(format=name))
        (full,), (added,) = self.files("full"), self.files("added")
        for data in (full, added):
            assert b"h1.example.com" in data
            assert b"h0.example.com" not in data

    def test_value_below_the_grade_is_removed(self, store: Store) -> None:
        self.block(store, "h0.example.com")
        run(store, self.feed(format="hosts"))
        self.retract(store, "h0.example.com", READER)
        self.prepare(store, 1)
        run(store, self.feed(format="hosts"))
        assert [b"h0.example.com" in data for data in self.files("removed")] == [True]
        assert len(self.files("added")) == 1
        (full,) = self.files("full")
        assert b"h0.example.com" not in full

    @pytest.mark.parametrize("key", ["s3cret", "x25519"])
    def test_unusable_key_is_named_and_not_shown(self, store: Store, key: str) -> None:
        other = X25519PrivateKey.generate().private_bytes(*_PRIVATE).decode()
        self.patch.setenv("SIGNING_KEY", other if key == "x25519" else key)
        self.prepare(store, 1)
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert "signing_key" in str(result.error)
        assert "s3cret" not in str(result.error)

    @pytest.mark.parametrize("name", ["prose", "nonsense"])
    def test_read_only_format_is_named(self, name: str) -> None:
        with pytest.raises(Misconfigured, match="format: "):
            self.feed(format=name)
