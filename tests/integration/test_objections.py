"""Over real sockets: a person objects to a wrong listing, which is cleared everywhere, answered, and later erased."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from server.features.objections import records as objections
from server.features.objections.codes import new_code
from server.features.objections.tables import objection_tokens, objections as rows
from server.store import Store
from server.store.database.times import now
from tests.integration.command import Run, answer
from tests.integration.peers import TAXII, answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub

ACCOUNT = {"value": "123-4-56789-0", "kind": "bank-account", "details": {"bank": "KBANK", "country": "TH"}}
NUMBER = "1234567890"
CONTACT = "somebody@example.com"


class World:
    """A running hub, its command line, and partners."""

    def __init__(self, run: Run, address: str, folder: Path) -> None:
        self.run, self.address, self.folder = run, address, folder
        self.partners: dict[str, dict[str, str]] = {}

    def join(self, name: str, *options: str) -> None:
        self.partners[name] = answer(
            self.run("partner", "add", name, "--country", "th", "--vouched", *options, "--json")
        )

    def report(self, partner: str, number: str = NUMBER, tlp: str = "amber") -> None:
        (self.folder / "r.csv").write_text(f"account_number,bank,country\n{number},KBANK,TH\n", encoding="utf-8")
        done = self.run("contribute", "r.csv", "--partner", partner, "--kind", "bank-account", "--tlp", tlp)
        assert done.exit_code == 0, done.output

    def poll(self, partner: str, collection: str) -> list[dict[str, Any]]:
        headers = {"Accept": TAXII, "Authorization": f"Bearer {self.partners[partner]['token']}"}
        got = requests.get(f"{self.address}feed/collections/{collection}/objects/", headers=headers, timeout=60)
        objects: list[dict[str, Any]] = got.json().get("objects", [])
        return objects

    def object(self, **body: Any) -> requests.Response:
        return requests.post(f"{self.address}api/objections", json=body, timeout=60)

    def follow(self, token: str) -> requests.Response:
        return requests.get(f"{self.address}api/objections/{token}", timeout=60)


@pytest.fixture
def world(run_with_store: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    key = tmp_path / "contact.key"
    key.write_text("0b" * 32, encoding="ascii")
    key.chmod(0o600)
    monkeypatch.setenv("SCAMFEED_OBJECTION_KEY_FILE", str(key))
    monkeypatch.setenv("SCAMFEED_NEWCOMER_DAYS", "0")
    settings = {"database_url": f"sqlite:///{tmp_path / 'scamfeed.db'}", "objection_key_file": str(key)}
    port, log = free_port(), tmp_path / "server.log"
    with answering(Forked(serve_hub, settings, port, 1, 4, log=log), port, log) as address:
        yield World(run_with_store, address, tmp_path)


def test_objection_clears_a_wrong_listing_and_is_answered_and_erased(world: World) -> None:
    world.join("Accuser", "--kind", "bank")
    world.join("Keeper", "--kind", "bank", "--institution", "KASITHBK")
    world.join("Reader", "--kind", "bank", "--read", "mule-accounts")
    world.report("Accuser")
    (listed,) = [obj for obj in world.poll("Reader", "mule-accounts") if obj["type"] == "indicator"]
    receipt = world.object(**ACCOUNT, ground="not-involved", contact=CONTACT)
    assert receipt.status_code == 202, receipt.text
    token = receipt.json()["token"]
    assert world.follow(token).json()["state"] == "received"
    (waiting,) = answer(world.run("objection", "list", "--json"))
    assert (waiting["values"], waiting["ground"]) == ([f"bank-account:TH:KASITHBK:{NUMBER}"], "not-involved")
    assert waiting["keeper"] == "Keeper"
    shown = answer(world.run("objection", "show", waiting["id"], "--json"))
    assert (shown["contact"], "mule-accounts" in shown["listed_in"]) == (CONTACT, True)
    asked = [obj for obj in world.poll("Keeper", own_collection(world, "Keeper", "outcomes")) if obj["type"] == "note"]
    assert any("objection" in note["content"] for note in asked)

    done = answer(world.run("objection", "decide", waiting["id"], "--clear", "--by", "Anong", "--json"))
    assert (done["answer"], done["told"], done["contact"]) == ("cleared", "reviewed", CONTACT)
    seen = {obj["id"]: obj for obj in world.poll("Reader", "mule-accounts")}
    assert seen[listed["id"]]["revoked"]
    told = [obj for obj in world.poll("Accuser", own_collection(world, "Accuser", "outcomes")) if obj["type"] == "note"]
    assert any("retracted" in str(note) and "objection" in note["content"] for note in told)

    # Values that are not public get the same response on the promised day.
    assert world.follow(token).json()["state"] == "received"
    make_due(world)
    told_person = world.follow(token).json()
    assert (told_person["state"], told_person["answer"]) == ("answered", "reviewed")
    assert NUMBER not in str(told_person)

    world.poll("Reader", "mule-accounts")
    proposed = answer(world.run("erase", "KBANK:1234567890", "--reason", "objection upheld", "--by", "Anong", "--json"))
    assert world.run("proposal", "confirm", proposed["id"], "--by", "anong ").exit_code == 2
    confirmed = world.run("proposal", "confirm", proposed["id"], "--by", "Boon")
    assert confirmed.exit_code == 0, confirmed.output
    assert "has ended" in confirmed.stdout
    for file in world.folder.iterdir():
        if file.name not in ("r.csv",):
            bytes_ = file.read_bytes()
            assert NUMBER.encode() not in bytes_, file
            assert CONTACT.encode() not in bytes_, file
            assert token.encode() not in bytes_, file
    (gone,) = [obj for obj in world.poll("Reader", "mule-accounts") if obj["id"] == listed["id"]]
    assert (gone["revoked"], gone["name"]) == (True, "Erased")
    assert world.follow(token).json()["answer"] == "reviewed"


def own_collection(world: World, partner: str, use: str) -> str:
    headers = {"Accept": TAXII, "Authorization": f"Bearer {world.partners[partner]['token']}"}
    found = requests.get(f"{world.address}feed/collections/", headers=headers, timeout=60).json()["collections"]
    return next(row["id"] for row in found if row.get("alias", "").startswith(f"{use}-"))


def make_due(world: World) -> None:
    """Move the promised day to now."""
    store = Store.open(f"sqlite:///{world.folder / 'scamfeed.db'}")
    with store.begin() as tx:
        for table in (rows, objection_tokens):
            tx.execute(table.update().values(due=now() - 1))
    store.close()


def test_response_is_the_same_for_listed_hidden_and_unknown_values(world: World) -> None:
    world.join("Accuser", "--kind", "bank")
    world.report("Accuser", NUMBER)
    answers = []
    for number in (NUMBER, "9998887776"):
        got = world.object(**{**ACCOUNT, "value": number}, ground="other")
        answers.append((got.status_code, sorted(got.json()), got.json()["due"], len(got.content)))
        token = got.json()["token"]
        followed = world.follow(token)
        answers[-1] = (*answers[-1], followed.status_code, followed.content)
    assert answers[0] == answers[1]
    # A person decides the objection to the hidden value. Its follower always reads the same as for the unknown one.
    tokens = [
        world.object(**{**ACCOUNT, "value": number}, ground="other").json()["token"]
        for number in (NUMBER, "9998887776")
    ]
    (waiting,) = answer(world.run("objection", "list", "--json"))
    answer(world.run("objection", "decide", waiting["id"], "--uphold", "--reason", "several-reports", "--json"))
    assert world.follow(tokens[0]).content == world.follow(tokens[1]).content
    make_due(world)
    assert world.follow(tokens[0]).content == world.follow(tokens[1]).content
    assert world.follow(tokens[0]).json()["answer"] == "reviewed"


def test_public_value_is_answered_at_once(world: World) -> None:
    world.join("Accuser", "--kind", "bank")
    world.report("Accuser", tlp="clear")
    token = world.object(**ACCOUNT, ground="own-business").json()["token"]
    (waiting,) = answer(world.run("objection", "list", "--json"))
    assert waiting["public"]
    done = answer(
        world.run("objection", "decide", waiting["id"], "--uphold", "--reason", "authority-confirms", "--json")
    )
    assert done["told"] == "stays"
    told = world.follow(token).json()
    assert (told["state"], told["answer"]) == ("answered", "stays")
    assert "authority-confirms" not in str(told)
    assert set(told["text"]) == {"en", "th"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"contact": "two\nlines@example.com"}, 422),
        ({"contact": "x" * 500}, 422),
        ({"contact": "a\u202e@example.com"}, 422),
        ({"ground": "because I say so"}, 422),
        ({"value": ""}, 422),
        ({"value": "x" * 100_000}, 413),
        ({"value": "no value at all", "kind": "wallet", "details": {}}, 422),
        ({"name": "A person"}, 422),
    ],
)
def test_malformed_objection_is_refused_with_the_reason(world: World, change: dict[str, Any], status: int) -> None:
    got = world.object(**{**ACCOUNT, "ground": "other", **change})
    assert got.status_code == status, got.text
    assert NUMBER not in got.text
    assert "because I say so" not in got.text


def test_tokens_cannot_be_guessed_and_are_not_stored(world: World) -> None:
    token = world.object(**ACCOUNT, ground="other").json()["token"]
    assert len(token) == 24
    wrong = [world.follow(guess) for guess in ("A" * 32, new_code(), token[:-1], token + "A", "..")]
    assert {got.status_code for got in wrong} == {404}
    assert world.follow(token.lower().replace("-", "")).status_code == 200
    files = b"".join(file.read_bytes() for file in world.folder.iterdir() if file.is_file())
    assert token.encode() not in files
    assert token.replace("-", "").encode() not in files
    assert CONTACT.encode() not in files


def test_repeated_objection_of_one_contact_shares_one_case(world: World) -> None:
    tokens = [
        world.object(**ACCOUNT, ground="other", contact=contact).json()["token"]
        for contact in (CONTACT, CONTACT.upper())
    ]
    assert tokens[0] != tokens[1]
    assert {world.follow(token).status_code for token in tokens} == {200}
    assert len(answer(world.run("objection", "list", "--all", "--json"))) == 1
    world.object(**ACCOUNT, ground="other", contact="another@example.com")
    assert len(answer(world.run("objection", "list", "--all", "--json"))) == 2


def test_objection_before_the_listing_hides_no_later_one(world: World) -> None:
    world.join("Accuser", "--kind", "bank")
    world.join("Keeper", "--kind", "bank", "--institution", "KASITHBK")
    world.object(**ACCOUNT, ground="other")
    assert answer(world.run("objection", "list", "--json")) == []
    world.report("Accuser")
    for _ in range(2):
        world.object(**ACCOUNT, ground="not-involved")
        [waiting] = answer(world.run("objection", "list", "--json"))
        assert waiting["keeper"] == "Keeper"
    told = [obj for obj in world.poll("Keeper", own_collection(world, "Keeper", "outcomes")) if obj["type"] == "note"]
    assert sum("objection" in note["content"] for note in told) == 1


def test_objections_per_address_and_day_are_limited(world: World) -> None:
    codes = [world.object(**ACCOUNT, ground="other").status_code for _ in range(7)]
    assert codes == [202] * 5 + [429] * 2
    assert int(world.object(**ACCOUNT, ground="other").headers["Retry-After"]) > 0


def test_clearing_an_unreported_value_makes_no_allowlist(world: World) -> None:
    world.join("Accuser", "--kind", "bank")
    world.join("Reader", "--kind", "bank", "--read", "mule-accounts")
    world.object(**ACCOUNT, ground="not-involved")
    (waiting,) = answer(world.run("objection", "list", "--all", "--json"))
    answer(world.run("objection", "decide", waiting["id"], "--clear", "--json"))
    world.report("Accuser")
    assert [obj for obj in world.poll("Reader", "mule-accounts") if obj["type"] == "indicator"]


def test_unlisted_value_is_answered_on_the_promised_day(world: World) -> None:
    token = world.object(**ACCOUNT, ground="other", contact=CONTACT).json()["token"]
    assert answer(world.run("objection", "list", "--json")) == []
    make_due(world)
    assert world.follow(token).json()["answer"] == "reviewed"
    from server.features.objections import decide
    from server.release.hub import Hub

    store = Store.open(f"sqlite:///{world.folder / 'scamfeed.db'}")
    assert decide.close_due(Hub(store)) == 1
    with store.read() as tx:
        [ended] = objections.all_objections(tx, every=True)
        assert (ended.contact, ended.answer, objections.subjects_of(tx, [ended.id])) == (None, "reviewed", {})
    store.close()
    assert answer(world.run("status", "--json"))["objections"]["open"] == 0
    time.sleep(0)
    assert json.loads(world.follow(token).text)["state"] == "answered"
