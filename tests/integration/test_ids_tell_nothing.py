"""Posts under computed ids get the same response, just as fast, whether another partner uses the ids or not."""

import json
import re
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mappers import extension, ids, marking
from mappers.indicator import to_stix
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.app import DIRECT_WRITES
from server.operations.shared_writes import SharedWrites
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, hub_identity, inbox, log, partners, value_index
from server.store.item import Item
from server.web.taxii import add_objects
from server.web.taxii.envelope import Envelope
from tests.searches import sample
from tests.times import text_ago

ACCOUNT = {"kind": "bank-account", "value": "DE89370400440532013000"}
AT = text_ago(days=60)
# Facts that the spy wants to learn, as the bank reports them.
SECRETS: dict[str, dict[str, str]] = {
    "who reported it": {"tlp": "amber"},
    "what a closed collection lists": {"tlp": "green"},
    "whether the police alone were told": {"tlp": "red", "only_partners": "Police"},
}


class World:
    """A hub with a bank, the police and a spy without read access, with or without the bank's report."""

    def __init__(self, file: Path) -> None:
        self.store = Store.open(f"sqlite:///{file}")
        set_up(self.store)
        with self.store.begin() as tx:
            for name, kind in (("Bank", "bank"), ("Police", "government"), ("Spy", "research")):
                if name not in {each.name for each in partners.all_partners(tx)}:
                    partner = Partner(
                        name=name, kind=PartnerKind(kind), country="DE", identity=ids.identity(name), vouched=True
                    )
                    partners.add(tx, partner)
                    collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, "Police", collections.get(tx, "mule-accounts"), read=True)
            collections.grant(tx, "Spy", collections.get(tx, "sightings"), read=True)
            self.spy, self.inbox = partners.get(tx, "Spy"), collections.get(tx, "inbox")

    def report(self, said: Mapping[str, str]) -> None:
        """Let the bank report the account."""
        with self.store.begin() as tx:
            reported = to_stix(ReportReader({"reporter": "Bank", "reported_at": AT}).report({**ACCOUNT, **said}))
            outcome = contribute(Hub(self.store), tx, partners.get(tx, "Bank"), [Item.of(obj) for obj in reported])
            assert not outcome.failed
            assert not outcome.pending

    def sightings(self) -> list[dict[str, Any]]:
        """Return the spy's own annotations as the spy reads them, without their release times."""
        with self.store.read() as tx:
            page = log.page(tx, collections.get(tx, "sightings"), log.Query())
        return sorted(
            ({**json.loads(body), "modified": ""} for body in page.bodies if b'"created_by_ref"' in body),
            key=lambda obj: str(obj["id"]),
        )

    def answer(self, obj: Mapping[str, Any]) -> tuple[int, Any]:
        """Post as the spy, and return status and body without random parts and times."""
        sent = json.dumps({"objects": [obj]}).encode()
        answer = add_objects.add(
            SharedWrites(Hub(self.store)), self.spy, self.inbox, Envelope(BytesIO(sent), len(sent), 10), DIRECT_WRITES
        )
        body = json.loads(answer.body)
        assert re.fullmatch("[0-9a-f-]{36}", body.pop("id"))
        del body["request_timestamp"]
        for told in (each for name in ("successes", "pendings", "failures") for each in body.get(name, ())):
            # An observable has no version, so the response has the current time.
            told["version"] = obj.get("modified")
        return answer.status, body


@pytest.fixture
def worlds(tmp_path: Path, secret: str) -> Iterator[tuple[World, World]]:
    World(tmp_path / "so.db").store.close()
    shutil.copy(tmp_path / "so.db", tmp_path / "not.db")
    pair = World(tmp_path / "so.db"), World(tmp_path / "not.db")
    pair[0].report(SECRETS[secret])
    yield pair
    for world in pair:
        world.store.close()


def computed(world: World) -> list[str]:
    """Return ids that a spy can compute, and also the hub's actual ids as if it could compute them."""
    (observable, indicator, relationship) = to_stix(
        ReportReader({"reporter": "Bank", "reported_at": AT}).report(ACCOUNT)
    )
    pattern = indicator["pattern"]
    with world.store.read() as tx:
        speaker = hub_identity.identity(tx)
        there = {
            inbox.object_id(json.loads(body)["id"])
            for each in collections.all_collections(tx)
            for body in log.page(tx, each, log.Query()).bodies
        }
        secret = hub_identity.secret(tx, "ids")
    old = {"created_by_ref": speaker, "pattern": pattern, "seq": 0, "type": "indicator"}
    subject = value_index.subject_of(ACCOUNT["kind"], ACCOUNT["value"])
    return sorted(
        {
            *(
                ids.indicator(maker, pattern, number)
                for maker in (ids.identity("Bank"), speaker)
                for number in range(3)
            ),
            *("indicator--" + ids.in_scamfeed(old | {"room": room}) for room in ("for-police", "for-Police")),
            *(ids.of_hub(secret, "indicator", "listing", subject, track, 0) for track in ("", "Police")),
            *(id_ for id_ in there if id_.startswith(("indicator", "note"))),
            observable["id"],
            relationship["id"],
        }
    )


def dummies(spy: Partner, ids_: list[str]) -> Iterator[dict[str, Any]]:
    """Yield possible posts of a spy: an object with each id, and objects about it."""
    common = {"spec_version": "2.1", "created_by_ref": spy.identity, "created": AT, "modified": AT}
    for number, id_ in enumerate(ids_):
        for revoked in (True, False):
            more = {**common, **({"revoked": True} if revoked else {})}
            if id_.startswith("indicator--"):
                said = {"pattern": "[domain-name:value = 'spy.example']", "pattern_type": "stix"}
                yield {"type": "indicator", "id": id_, **more, **said, "valid_from": AT}
            for type_, about in (
                ("sighting", {"sighting_of_ref": id_}),
                ("opinion", {"opinion": "strongly-disagree", "object_refs": [id_]}),
                ("note", {"content": "seen", "object_refs": [id_]}),
                ("grouping", {"name": "case", "context": "suspicious-activity", "object_refs": [id_]}),
            ):
                uuid = f"0a6f3c1b-1f2a-4f0e-9d55-{number:08x}{revoked:04x}"
                yield {"type": type_, "id": f"{type_}--{uuid}", **more, **about}
        yield {"type": "language-content", "id": f"language-content--{id_.partition('--')[2]}", **common} | {
            "object_ref": id_,
            "contents": {"de": {"name": "x"}},
        }


@pytest.mark.search
@pytest.mark.parametrize("secret", SECRETS)
def test_whole_response_is_the_same_in_both_worlds(worlds: tuple[World, World]) -> None:
    so, not_so = worlds
    made = list(dummies(so.spy, computed(so)))
    assert len(made) > 100
    # Each id has nine or eleven posts: every kind of post is sent for some ids.
    for dummy in sample(made, 4):
        assert so.answer(dummy) == not_so.answer(dummy), dummy


@pytest.mark.parametrize("secret", SECRETS)
def test_response_time_is_the_same_in_both_worlds(worlds: tuple[World, World]) -> None:
    spent: list[list[float]] = [[], []]
    made = [obj for obj in dummies(worlds[0].spy, computed(worlds[0])) if obj["type"] in ("indicator", "opinion")][:40]
    for dummy in made:
        for world, times in zip(worlds, spent, strict=True):
            began = time.thread_time()
            world.answer(dummy)
            times.append(time.thread_time() - began)
    one, other = map(statistics.median, spent)
    assert max(one, other) < 2 * min(one, other)


OWN: dict[str, dict[str, Any]] = {
    "for nobody": {"tlp": "red"},
    "for the police": {"tlp": "red", "only_partners": "Police"},
    "for some countries": {"tlp": "amber", "only_countries": "FR"},
    "at large": {"tlp": "amber"},
}


@pytest.mark.long_but("for nobody", "at large-whether the police alone were told")
@pytest.mark.search
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("own", OWN)
def test_reporter_learns_of_no_other_reporter_by_annotating_the_value(
    worlds: tuple[World, World], own: str, secret: str
) -> None:
    so, not_so = worlds
    told = to_stix(ReportReader({"reporter": "Spy", "reported_at": AT}).report({**ACCOUNT, **OWN[own]}))
    police = {"extension_type": "property-extension", "sharing": {"only_partners": [ids.identity("Police")]}}
    for obj in told:
        assert so.answer(obj) == not_so.answer(obj), obj
    annotations = ("sighting", "opinion", "note", "grouping")
    for marked in (Tlp.AMBER, Tlp.CLEAR, Tlp.RED):
        made = [each for each in dummies(so.spy, [told[1]["id"], told[0]["id"]]) if each["type"] in annotations]
        for dummy in sample(made, 3):
            uuid = f"{dummy['id'].partition('--')[2][:-5]}{list(Tlp).index(marked)}{dummy['id'][-4:]}"
            said = {**dummy, "id": f"{dummy['type']}--{uuid}", "object_marking_refs": [marking.ref(marked)]}
            limited = {**said, "id": f"{dummy['type']}--{'1' + uuid[1:]}", "extensions": {extension.ID: police}}
            for obj in (said, limited):
                assert so.answer(obj) == not_so.answer(obj), obj
    if own != "at large":
        assert so.sightings() == not_so.sightings()
