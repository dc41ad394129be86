"""``scamfeed verify`` over real sockets: what is proven, and every way in which a log or an object can be wrong."""

import json
from pathlib import Path
from typing import Any

from server.release.retract import retract_all
from tests.integration.ledger.conftest import SealedScamfeed


def save(folder: Path, objects: list[dict[str, Any]], name: str = "objects.jsonl") -> Path:
    file = folder / name
    file.write_bytes(b"\n".join(json.dumps(obj, ensure_ascii=False).encode() for obj in objects))
    return file


def test_what_was_read_is_proven_in_any_file_and_what_was_changed_is_not(sealed: SealedScamfeed) -> None:
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


def test_a_hub_that_is_set_back_to_an_older_backup_is_found(restored: SealedScamfeed) -> None:
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
    assert "another past" in answer["problem"]


def test_who_does_not_read_the_collection_can_verify_nothing(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = save(sealed.folder, sealed.objects())
    for collection in ("takedown", "nowhere"):
        arguments = ["verify", file, "--collection", collection, "--key", str(sealed.key)]
        result = sealed.run(*arguments, by="stranger")
        assert result.exit_code == 2
        assert "there is no log that this token may read" in result.stderr


def test_a_key_of_another_hub_is_not_trusted(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = save(sealed.folder, sealed.objects())
    other = sealed.key._replace(public=bytes(32))
    result = sealed.run("verify", file, "--collection", "takedown", "--key", str(other), "--json")
    assert (result.exit_code, json.loads(result.stdout)["consistent"]) == (1, False)


def test_a_retracted_listing_is_still_proven_as_it_was(sealed: SealedScamfeed) -> None:
    sealed.report("taken-back.example.com")
    file = save(sealed.folder, sealed.objects())
    with sealed.store.begin() as tx:
        assert retract_all(sealed.hub, tx, ["taken-back.example.com"])
    sealed.seal()
    assert sealed.verify(file)[0] == 0


def test_a_file_without_objects_is_refused_by_name(sealed: SealedScamfeed) -> None:
    sealed.report("shop.example.com")
    file = sealed.folder / "text.json"
    for text in ("", "not json", '{"objects": 7}', '[{"id": 1}]'):
        file.write_text(text)
        result = sealed.run("verify", file, "--collection", "takedown", "--key", str(sealed.key))
        assert result.exit_code == 2, result.output
        assert "text.json" in result.stderr


def test_what_is_not_sealed_yet_is_pending_until_it_is(waiting: SealedScamfeed) -> None:
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
