"""A mirror that checks what it reads against the log: over real sockets, at a hub that was harmed."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from feeds.mirror.check import Mirror
from feeds.mirror.health import health_of
from feeds.mirror.schedule import sync_once
from feeds.mirror.settings import MirrorSettings
from feeds.mirror.sync import HubRound
from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.notes import COSIGNATURE, SignedNote, SignerKey
from server.release.ledger.checkpoint_notes import CheckpointNotes
from server.store import collections, log
from server.store.item import Item
from server.store.objects import bodies
from server.store.tables import objects
from tests.integration.ledger.conftest import SealedScamfeed


class CheckingMirror:
    """The mirror of a hub's reader, by which it checks what it reads."""

    def __init__(self, hub: SealedScamfeed, folder: Path, **more: Any) -> None:
        self.file = folder / "mirror.db"
        (folder / "token").write_text(hub.tokens["reader"])
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
            copies = health_of(mirror.state(), 0).shown["copies"]
        found: dict[str, Any] = copies[0]
        return found


def test_a_mirror_takes_what_is_proven_and_says_up_to_where(sealed: SealedScamfeed, tmp_path: Path) -> None:
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


def test_a_mirror_takes_nothing_from_a_hub_that_was_set_back_and_answers_from_its_last_copy(
    restored: SealedScamfeed, tmp_path: Path
) -> None:
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
        assert ("another past" if domains else "went back") in status["error"]


def test_a_body_that_was_changed_by_sql_is_altered_and_found_by_nobody(
    restored: SealedScamfeed, tmp_path: Path
) -> None:
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


def test_a_mirror_compares_the_checkpoints_among_the_notes_and_takes_nothing_of_a_hub_that_signed_two_truths(
    restored: SealedScamfeed, tmp_path: Path
) -> None:
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
    assert "another past" in mirror.status()["error"]
    assert mirror.finds("first.example.com", "second.example.com") == [True, False]


@pytest.mark.parametrize("key", ["x", "hub.example/log+00000000+AAAA"])
def test_a_key_that_is_none_is_refused_at_once(sealed: SealedScamfeed, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not the public key"):
        CheckingMirror(sealed, tmp_path, ledger_key=key)


def _add(hub: SealedScamfeed, obj: dict[str, Any]) -> None:
    """Publish an object as it is."""
    with hub.store.begin() as tx:
        log.append(tx, collections.get(tx, "takedown"), [Item.of(obj)])


def _change_by_sql(hub: SealedScamfeed, old: bytes, new: bytes) -> None:
    """Write other letters into the stored bodies of listings, as whoever has the database can."""
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
