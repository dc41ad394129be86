"""``misp-push`` with the part of MISP's REST API that it uses as the peer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, partners
from server.store.item import Item
from tests.contract.connectors.contract import PARTNER, READER, latest
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run


@dataclass
class Peer(HttpPeer):
    """Events with their attributes. It ignores refused values, and versions no later than the stored ones."""

    refused: set[str] = field(default_factory=set)
    stubborn: bool = False
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "k3y":
            return Said(403, {"message": "Authentication failed."})
        verb, _, rest = asked.path.strip("/").partition("/")
        action, _, name = rest.partition("/")
        if (verb, action) == ("servers", "getVersion"):
            return Said(200, {"version": "2.5.42"})
        body = orjson.loads(asked.body)
        if (verb, action) == ("attributes", "restSearch"):
            return self._search(body)
        if (verb, action) == ("events", "edit"):
            if name.removesuffix("/metadata:1") not in self.events:
                return Said(404, {"message": "Invalid event"})
            return self._take(body["Event"])
        if (verb, action) == ("events", "add"):
            event = body["Event"]
            self.events[event["uuid"]] = {key: event[key] for key in ("info", "date", "distribution", "Tag")}
            return self._take(event)
        if (verb, action) == ("events", "publish"):
            self.published.append(name)
            return Said(200, {"message": "Job queued"})
        if action == "delete":
            return self._delete(*name.split("/"))
        return Said(404, {"message": "No"})

    def _search(self, body: dict[str, Any]) -> Said:
        there = [
            attribute
            for uuid, attribute in self.attributes.items()
            if uuid in body["uuid"] and not attribute.get("deleted")
        ]
        return Said(200, {"response": {"Attribute": there}})

    def _take(self, event: dict[str, Any]) -> Said:
        inner = [(holder, attribute) for holder in event["Object"] for attribute in holder["Attribute"]]
        for holder, attribute in [*((attribute, attribute) for attribute in event["Attribute"]), *inner]:
            before = self.attributes.get(attribute["uuid"])
            late = before and int(before["timestamp"]) >= int(attribute["timestamp"])
            elsewhere = before and before["event_uuid"] != event["uuid"]
            stays = self.stubborn and attribute.get("deleted")
            if attribute["value"] not in self.refused and not (late or elsewhere or stays):
                self.attributes[attribute["uuid"]] = attribute | {"event_uuid": event["uuid"], "holder": holder["uuid"]}
                self._note(attribute["uuid"])
        return Said(200, {"Event": {"uuid": event["uuid"]}})

    def _delete(self, uuid: str, *for_good: str) -> Said:
        found = [attribute for attribute in self.attributes.values() if attribute["holder"] == uuid]
        for attribute in found:
            attribute["deleted"] = True
            self._note(attribute["uuid"])
            if for_good:
                del self.attributes[attribute["uuid"]]
        return Said(200, {"message": "Deleted"}) if found else Said(404, {"message": "Invalid attribute"})

    def _note(self, uuid: str) -> None:
        attribute = self.attributes[uuid]
        self.changes.append(
            {
                "type": "indicator",
                "id": f"indicator--{attribute['holder']}",
                "pattern": f"[domain-name:value = '{attribute['value']}']",
                "revoked": bool(attribute.get("deleted")),
            }
        )


class TestMispPush(FaultsContract, PushContract):
    connector = "misp-push"
    bad_settings = (
        ({"url": "http://misp.example"}, "set allow_http"),
        ({"key": "k3y"}, "the secret itself is not allowed here"),
        ({"distribution": 4}, "distribution"),
    )
    unknown = "403"
    secret = "k3y"
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("MISP_KEY", "k3y")
        self.peer = Peer()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url=self.peer.url,
            key={"env": "MISP_KEY"},
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.changes

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern.split("'")[1])

    def contribute(self, store: Store, *rows: dict[str, str], **defaults: str) -> None:
        reader = ReportReader({"reporter": PARTNER, "reported_at": timestamp.text(timestamp.now()), **defaults})
        with store.begin() as tx:
            objects = [obj for row in rows for obj in to_stix(reader.report(row))]
            contribute(Hub(store), tx, partners.get(tx, PARTNER), [Item.of(obj) for obj in objects])

    def alive(self) -> list[str]:
        return [
            attribute["value"]
            for attribute in self.peer.attributes.values()
            if attribute["to_ids"] and not attribute.get("deleted")
        ]

    def test_reports_of_one_day_and_level_are_one_separate_event(self, store: Store) -> None:
        self.prepare(store, 7)
        run(store, self.feed())
        (event,) = self.peer.events.values()
        assert event["info"] == "Scamfeed, takedown: Scamfeed"
        assert (event["distribution"], event["Tag"]) == ("0", [{"name": "tlp:amber"}])

    def test_large_day_is_split_into_events_if_configured(self, store: Store) -> None:
        self.prepare(store, 20)
        run(store, self.feed(batch=1000, parts=4))
        assert 2 <= len(self.peer.events) <= 4
        assert len(self.alive()) == 20

    def test_events_are_published_by_default(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(batch=1000))
        assert self.peer.published == list(self.peer.events)
        self.peer.published.clear()
        self.prepare(store, 3)
        run(store, self.feed(batch=1000, publish=False))
        assert self.peer.published == []

    @pytest.mark.parametrize("stubborn", [False, True])
    def test_revocation_deletes_attributes_left_by_an_edit(self, store: Store, stubborn: bool) -> None:
        self.prepare(store, 2)
        run(store, self.feed(batch=1000))
        self.peer.stubborn = stubborn
        with store.begin() as tx:
            retract(Hub(store), tx, "h0.example.com", partners.get(tx, PARTNER))
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 0)
        assert self.alive() == ["h1.example.com"]

    def test_report_revoked_before_the_push_makes_no_event(self, store: Store) -> None:
        self.prepare(store, 1)
        with store.begin() as tx:
            retract(Hub(store), tx, "h0.example.com", partners.get(tx, PARTNER))
        assert run(store, self.feed(batch=1000)).ending == "done"
        assert (self.peer.events, self.peer.attributes) == ({}, {})

    def test_report_with_a_new_level_leaves_its_former_event(self, store: Store) -> None:
        row = {"kind": "domain", "value": "h0.example.com"}
        self.contribute(store, row, tlp="green", reported_at="2026-01-01T00:00:00Z")
        run(store, self.feed(batch=1000))
        time.sleep(1.1)  # MISP counts seconds, and accepts only later versions than it has
        self.contribute(store, row, tlp="amber", reported_at="2026-01-01T00:00:05Z")
        levels = {obj["object_marking_refs"][0] for obj in latest(store) if obj["type"] == "indicator"}
        assert len(levels) == 1
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 0)
        (attribute,) = self.peer.attributes.values()
        assert self.peer.events[attribute["event_uuid"]]["Tag"] == [{"name": "tlp:amber"}]

    def test_an_account_is_an_object_and_is_deleted_as_one(self, store: Store) -> None:
        with store.begin() as tx:
            from server.store import collections

            collections.grant(tx, READER, collections.get(tx, "mule-accounts"), read=True)
        row = {"kind": "bank-account", "account_number": "123-4-56789-0", "bank": "KBANK", "country": "TH"}
        self.contribute(store, row)
        run(store, self.feed(collection="mule-accounts"))
        assert self.alive() == ["1234567890"]
        gone = next(obj["id"] for obj in latest(store, "mule-accounts") if obj["type"] == "indicator")
        with store.begin() as tx:
            retract(Hub(store), tx, gone, partners.get(tx, PARTNER))
        run(store, self.feed(collection="mule-accounts"))
        assert self.alive() == []
