"""A mirror checks its input against the log, over real sockets, on a damaged hub."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from feeds.client.mirror import sync
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.clock import moment
from feeds.client.mirror.hub_client import HubClient, HubRound
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from feeds.client.mirror.state import health_of
from feeds.transport.taxii import TaxiiPage
from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey
from schemas.tlog.proofs import Checkpoint
from server.features.ledger.checkpoint_notes import CheckpointNotes
from server.release.retract import retract_all
from server.store import collections, log
from server.store.item import Item
from server.store.objects import bodies
from server.store.tables import objects
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_removed import EXCHANGE, _delete_by_sql, _post, _send


class CheckingMirror:
    """A reader's mirror of a hub that verifies its input."""

    def __init__(self, hub: SealedScamfeed, folder: Path, by: str = "reader", **more: Any) -> None:
        self.file = folder / "mirror.db"
        (folder / "token").write_text(hub.tokens[by])
        asked = {"name": "hub", "url": f"{hub.url}feed/", "collections": ["takedown"], "allow_private": True}
        asked |= {"token": {"file": str(folder / "token")}, "ledger_key": str(hub.key), "page": 7, **more}
        self._settings = MirrorSettings.model_validate({"mirror": {"file": str(self.file)}, "hub": [asked]})

    def sync(self) -> HubRound:
        [done] = sync_once(self._settings)
        return done

    def finds(self, *domains: str) -> list[bool]:
        with Mirror(self.file) as mirror:
            return [mirror.check(domain, "domain").found for domain in domains]

    def status(self) -> dict[str, Any]:
        with Mirror(self.file) as mirror:
            copies = health_of(mirror.state(), moment()).shown["copies"]
        found: dict[str, Any] = copies[0]
        return found


def test_mirror_accepts_proven_objects_and_reports_the_proven_size(sealed: SealedScamfeed, tmp_path: Path) -> None:
    sealed.report(*(f"mirrored-{number}.example.com" for number in range(20)))
    witness = SignerKey.make("bank.example/witness", COSIGNATURE)
    mirror = CheckingMirror(sealed, tmp_path, witness_keys=[str(witness.verifier)])
    done = mirror.sync()
    assert done.is_well, done
    first = mirror.status()["log"]
    assert (first["unproven"], first["cosigned_by"]) == (0, [])
    assert first["size"] >= 40
    sealed.report("later.example.com")
    assert mirror.sync().is_well
    assert mirror.finds("mirrored-0.example.com", "later.example.com", "other.example.com") == [True, True, False]
    second = mirror.status()["log"]
    assert second["verified_up_to"] > first["verified_up_to"]
    assert mirror.sync().is_well


def test_mirror_rejects_a_rewound_hub_and_answers_from_its_last_copy(restored: SealedScamfeed, tmp_path: Path) -> None:
    restored.report("first.example.com")
    restored.back_up()
    restored.report("second.example.com")
    mirror = CheckingMirror(restored, tmp_path)
    assert mirror.sync().is_well
    as_of = mirror.status()["as_of"]
    restored.set_back()
    for domains in ((), ("third.example.com", "fourth.example.com", "fifth.example.com")):
        if domains:
            restored.report(*domains)
        done = mirror.sync()
        assert not done.is_well
        assert mirror.finds("first.example.com", "second.example.com", "third.example.com") == [True, True, False]
        status = mirror.status()
        assert (status["as_of"], status["digest"]) == (as_of, "differs")
        assert ("history of the log has changed" if domains else "went back") in status["error"]


def test_body_changed_by_sql_is_altered_and_not_found(restored: SealedScamfeed, tmp_path: Path) -> None:
    restored.report("honest.example.com", "victim.example.com")
    _change_by_sql(restored, b"victim.example", b"stolen.example")
    served = restored.objects()
    changed = [obj["id"] for obj in served if "stolen.example" in json.dumps(obj)]
    indicator = next(obj for obj in served if "stolen.example" in obj.get("pattern", ""))
    file = tmp_path / "objects.jsonl"
    file.write_text("\n".join(map(json.dumps, served)))
    code, answer = restored.verify(file)
    assert (code, answer["altered"], answer["proven"]) == (1, len(changed), len(served) - len(changed))
    assert answer["failing"] == [{"id": id_, "verdict": "altered"} for id_ in changed]
    mirror = CheckingMirror(restored, tmp_path)
    assert not mirror.sync().is_well
    assert mirror.finds("honest.example.com", "stolen.example.com", "victim.example.com") == [True, False, False]
    status = mirror.status()
    assert status["log"]["unproven"] == 1
    assert indicator["id"] in status["error"]
    assert status["as_of"] is not None


def test_mirror_compares_checkpoints_and_rejects_a_forked_hub(restored: SealedScamfeed, tmp_path: Path) -> None:
    restored.report("first.example.com")
    mirror = CheckingMirror(restored, tmp_path)
    assert CheckpointNotes(restored.store, ["takedown"]).publish() == 1
    [note] = [obj for obj in restored.objects() if obj["type"] == "note"]
    head = Checkpoint.parse(SignedNote.parse(note["content"].encode()).text)
    other = head._replace(root=bytes(32))
    foreign = bytes(other.sign([SignerKey.make(restored.key.name)])).decode()
    _add(restored, {**note, "id": "note--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d11", "content": foreign})
    restored.seal()
    assert mirror.sync().is_well
    assert mirror.finds("first.example.com") == [True]
    twofold = bytes(other.sign(restored.keys.log)).decode()
    _add(restored, {**note, "id": "note--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d12", "content": twofold})
    restored.report("second.example.com")
    assert not mirror.sync().is_well
    assert "history of the log has changed" in mirror.status()["error"]
    assert mirror.finds("first.example.com", "second.example.com") == [True, False]


def test_a_new_mirror_notices_an_object_that_the_hub_deleted(harmed: SealedScamfeed, tmp_path: Path) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    before = len(harmed.objects())
    _delete_by_sql(harmed, b"hidden.example")
    gone = before - len(harmed.objects())
    mirror = CheckingMirror(harmed, tmp_path)
    done = mirror.sync()
    assert not done.is_well
    status = mirror.status()
    assert (status["digest"], status["log"]["left_out"], status["log"]["unproven"]) == ("differs", gone, 0)
    assert f"{gone} log entries are left out by the hub: entry " in status["error"]
    # All other work continues, and the status keeps the error.
    assert mirror.finds("kept.example.com", "hidden.example.com") == [True, False]
    assert not mirror.sync().is_well
    with Mirror(mirror.file) as opened:
        assert opened.check("kept.example.com").grade == "block"
        assert opened.check("hidden.example.com").action == "none"
        assert not health_of(opened.state(), moment()).is_well


def test_mirror_with_the_object_notices_within_a_day(
    harmed: SealedScamfeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    mirror = CheckingMirror(harmed, tmp_path)
    assert mirror.sync().is_well
    assert mirror.status()["log"]["left_out"] == 0
    _delete_by_sql(harmed, b"hidden.example")
    monkeypatch.setattr(sync, "_ACCOUNT_EVERY", -1)
    assert not mirror.sync().is_well
    assert "left out by the hub" in mirror.status()["error"]
    assert mirror.finds("kept.example.com", "hidden.example.com") == [True, True]


def test_logged_object_missing_from_all_pages_is_left_out(
    harmed: SealedScamfeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    (hidden,) = {obj["id"] for obj in harmed.objects() if "hidden.example" in obj.get("pattern", "")}
    pages = HubClient.pages

    def leave_out(self: HubClient, *given: Any) -> Iterator[TaxiiPage]:
        for page in pages(self, *given):
            yield page._replace(objects=[obj for obj in page.objects if obj["id"] != hidden])

    monkeypatch.setattr(HubClient, "pages", leave_out)
    # The digest covers only the objects that the hub serves.
    monkeypatch.setattr(HubClient, "digest", lambda *_: None)
    mirror = CheckingMirror(harmed, tmp_path)
    assert not mirror.sync().is_well
    assert hidden in mirror.status()["error"]


def test_earlier_delistings_and_removals_are_not_left_out(harmed: SealedScamfeed, tmp_path: Path) -> None:
    harmed.report("kept.example.com", "delisted.example.com")
    with harmed.store.begin() as tx:
        assert retract_all(harmed.hub, tx, ["delisted.example.com"])
        exchange = collections.add(tx, EXCHANGE, "Task force")
        collections.grant(tx, "reader", exchange, read=True, write=True)
    gone = _post(harmed, "gone")
    _post(harmed, "kept")
    harmed.seal()
    assert _send(harmed, "DELETE", f"objects/{gone}/").status_code == 200
    harmed.seal()
    harmed.join("newcomer", "takedown")
    for by, names in (("reader", ["takedown", EXCHANGE]), ("newcomer", ["takedown"])):
        mirror = CheckingMirror(harmed, _folder(tmp_path, by), collections=names, by=by)
        done = mirror.sync()
        assert done.is_well, done
        assert mirror.status()["log"]["left_out"] == 0


def test_collection_without_a_log_is_accepted(sealed: SealedScamfeed, tmp_path: Path) -> None:
    with sealed.store.begin() as tx:
        collections.grant(tx, "reader", collections.add(tx, "silent", "Silent"), read=True)
    assert CheckingMirror(sealed, tmp_path, collections=["silent"]).sync().is_well


def _folder(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


@pytest.mark.parametrize("key", ["x", "hub.example/log+00000000+AAAA"])
def test_malformed_key_is_refused_at_once(sealed: SealedScamfeed, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not the public key"):
        CheckingMirror(sealed, tmp_path, ledger_key=key)


def _add(hub: SealedScamfeed, obj: dict[str, Any]) -> None:
    """Publish an object unchanged."""
    with hub.store.begin() as tx:
        log.append(tx, collections.get(tx, "takedown"), [Item.of(obj)])


def _change_by_sql(hub: SealedScamfeed, old: bytes, new: bytes) -> None:
    """Change letters in the stored bodies of listings, as an attacker with database access can."""
    packer = bodies.Packer(bodies.BodyWriter(bodies.BUILT_IN, 0, bodies.built_in()))
    with hub.store.begin() as tx:
        rows = tx.execute(select(objects.c.collection, objects.c.date_added, objects.c.parts, objects.c.body)).all()
        for row in rows:
            parts = bodies.of(tx).all_of(tx, row.body)
            if any(old in part for part in parts):
                changed = [part.replace(old, new) for part in parts]
                body = packer.pack_three(changed) if len(changed) > 1 else packer.pack(changed[0])
                of_row = (objects.c.collection == row.collection, objects.c.date_added == row.date_added)
                tx.execute(update(objects).where(*of_row, objects.c.parts == row.parts).values(body=body))
