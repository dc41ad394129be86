"""``scamfeed verify`` over real sockets: proofs, and every possible fault of a log or an object."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from feeds.client.verify.log_client import LogClient
from schemas.tlog.notes import COSIGNATURE, SignerKey
from server.release.retract import retract_all
from tests.integration.ledger.conftest import SealedScamfeed


def save(folder: Path, objects: list[dict[str, Any]], name: str = "objects.jsonl") -> Path:
    file = folder / name
    file.write_bytes(b"\n".join(json.dumps(obj, ensure_ascii=False).encode() for obj in objects))
    return file


def test_read_objects_are_proven_in_any_file_and_changed_ones_are_not(sealed: SealedScamfeed) -> None:
    sealed.report(*(f"shop-{number}.example.com" for number in range(60)))
    objects = sealed.objects()
    assert len(objects) > 60
    many = save(sealed.folder, objects)
    code, answer = sealed.verify(many)
    assert (code, answer["proven"], answer["checked"]) == (0, len(objects), len(objects))
    assert answer["consistent"]
    few = sealed.folder / "few.json"
    few.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects[:3]}, indent=2))
    assert sealed.verify(few)[1]["proven"] == 3
    indicator = next(obj for obj in objects if obj["type"] == "indicator")
    changed = {**indicator, "confidence": 1}
    foreign = {**indicator, "id": "indicator--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d11"}
    for amount in (1, 60):
        file = save(sealed.folder, [changed, foreign, *objects[:amount]], "changed.jsonl")
        code, answer = sealed.verify(file)
        assert (code, answer["altered"], answer["unknown"]) == (1, 1, 1)
        verdicts = {failing["id"]: failing["verdict"] for failing in answer["failing"]}
        assert verdicts == {indicator["id"]: "altered", foreign["id"]: "unknown"}


def test_duplicate_name_is_never_proven(sealed: SealedScamfeed) -> None:
    sealed.report("twice.example.com")
    indicator = next(obj for obj in sealed.objects() if obj["type"] == "indicator")
    text = json.dumps(indicator, separators=(",", ":"), ensure_ascii=False)
    file = sealed.folder / "twice.jsonl"
    # The log has the last value, but a reader may take the first.
    file.write_text('{"name":"forged",' + text[1:] + "\n" + text)
    code, answer = sealed.verify(file)
    assert (code, answer["proven"], answer["failing"][0]["verdict"]) == (1, 1, "altered")
    for name in ("objects", "id"):
        forged = json.dumps({**indicator, "pattern": "[domain-name:value = 'forged.example.com']"})
        value = f"[{forged}]" if name == "objects" else '"bundle--2"'
        file.write_text(f'{{"type":"bundle","{name}":{value},"id":"bundle--1","objects":[{text}]}}')
        result = sealed.run("verify", file, "--collection", "takedown", "--key", str(sealed.key))
        assert result.exit_code == 2, result.output
        assert "twice" in result.stderr


def test_hub_restored_from_an_older_backup_is_detected(restored: SealedScamfeed) -> None:
    restored.report("first.example.com")
    restored.back_up()
    restored.report("second.example.com")
    state = restored.folder / "state.db"
    objects = restored.objects()
    file = save(restored.folder, objects)
    code, answer = restored.verify(file, "--state", state)
    assert (code, answer["proven"], answer["consistent"]) == (0, len(objects), True)
    restored.set_back()
    code, answer = restored.verify(file, "--state", state)
    assert (code, answer["consistent"], answer["proven"]) == (1, False, 0)
    assert "went back" in answer["problem"]
    restored.report("third.example.com", "fourth.example.com", "fifth.example.com")
    code, answer = restored.verify(file, "--state", state)
    assert (code, answer["consistent"]) == (1, False)
    assert "history of the log has changed" in answer["problem"]


def test_verification_needs_read_access_to_the_collection(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = save(sealed.folder, sealed.objects())
    for collection in ("takedown", "nowhere"):
        arguments = ["verify", file, "--collection", collection, "--key", str(sealed.key)]
        result = sealed.run(*arguments, by="stranger")
        assert result.exit_code == 2
        assert "no log is readable with this token" in result.stderr


def test_a_key_of_another_hub_is_not_trusted(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = save(sealed.folder, sealed.objects())
    other = sealed.key._replace(public=bytes(32))
    result = sealed.run("verify", file, "--collection", "takedown", "--key", str(other), "--json")
    assert (result.exit_code, json.loads(result.stdout)["consistent"]) == (1, False)


def test_retracted_listing_is_still_proven(sealed: SealedScamfeed) -> None:
    sealed.report("taken-back.example.com")
    file = save(sealed.folder, sealed.objects())
    with sealed.store.begin() as tx:
        assert retract_all(sealed.hub, tx, ["taken-back.example.com"])
    sealed.seal()
    assert sealed.verify(file)[0] == 0


def test_file_without_objects_is_refused_by_name(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = sealed.folder / "text.json"
    for text in ("", "not json", '{"objects": 7}', '[{"id": 1}]'):
        file.write_text(text)
        result = sealed.run("verify", file, "--collection", "takedown", "--key", str(sealed.key))
        assert result.exit_code == 2, result.output
        assert "text.json" in result.stderr


def test_unsealed_object_is_pending(waiting: SealedScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing becomes overdue, however slow the machine is.
    monkeypatch.setattr("feeds.client.verify.verify.PROMISED_SECONDS", 3_600)
    waiting.report("sealed.example.com")
    waiting.publish("not-yet.example.com")
    for amount in (1, 40):
        waiting.publish(*(f"not-yet-{amount}-{number}.example.com" for number in range(amount)))
        objects = waiting.objects()
        code, answer = waiting.verify(save(waiting.folder, objects))
        assert (code, answer["altered"], answer["unknown"]) == (0, 0, 0)
        assert answer["pending"] > amount
        assert answer["proven"] + answer["pending"] == len(objects)
    waiting.seal()
    assert waiting.verify(save(waiting.folder, objects))[1]["proven"] == len(objects)


def test_long_pending_object_is_overdue(waiting: SealedScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting.report("sealed.example.com")
    waiting.publish("not-yet.example.com")
    file, state = save(waiting.folder, waiting.objects()), waiting.folder / "state.db"
    code, answer = waiting.verify(file, "--state", state)
    assert (code, answer["overdue"]) == (0, 0)
    assert answer["pending"] > 0
    monkeypatch.setattr("feeds.client.verify.verify.PROMISED_SECONDS", 1)
    time.sleep(1.1)
    late = waiting.verify(file)
    assert (late[0], late[1]["overdue"], late[1]["pending"]) == (1, answer["pending"], 0)
    # The reader's memory reveals a hub that returns a different date_added each time.
    monkeypatch.setattr(LogClient, "date_added", lambda *_: time.time_ns() // 1000)
    assert waiting.verify(file)[0] == 0
    assert waiting.verify(file, "--state", state)[1]["overdue"] == answer["pending"]
    waiting.seal()
    assert waiting.verify(file, "--state", state)[1]["proven"] == answer["checked"]


def test_hub_with_another_key_than_its_log_is_reported(waiting: SealedScamfeed) -> None:
    waiting.report("sealed.example.com")
    file = save(waiting.folder, waiting.objects())
    waiting.publish("never.example.com")
    later = save(waiting.folder, waiting.objects(), "later.jsonl")
    assert waiting.verify(later)[0] == 0
    keys = [SignerKey.make("hub.example/log"), SignerKey.make("hub.example/witness", COSIGNATURE)]
    (waiting.folder / "ledger.key").write_text("".join(f"{key.text}\n" for key in keys))
    assert waiting.verify(file)[0] == 0
    code, answer = waiting.verify(later)
    assert (code, answer["pending"]) == (1, 0)
    assert answer["overdue"] == len(answer["failing"]) > 0
    shown = json.loads(waiting.run_at_hub("log", "status", "--json").stdout)
    assert "signed by other keys" in shown["key_problem"]
