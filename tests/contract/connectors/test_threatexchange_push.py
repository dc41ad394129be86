"""``threatexchange-push`` with the part of the Graph API that it uses as the peer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from server.store import Store, deliveries
from tests.contract.connectors.contract import READER, Crash
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run

APP, GROUP, SECRET = "555", "1234", "s3cret"


@dataclass
class Graph(HttpPeer):
    """Descriptors by id. One app has one descriptor of an indicator; writing it again edits it."""

    refused: set[str] = field(default_factory=set)
    descriptors: dict[str, dict[str, str]] = field(default_factory=dict)
    reactions: list[tuple[str, str]] = field(default_factory=list)
    ended: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        parts = urlsplit(asked.path)
        sent = dict(parse_qsl(asked.body.decode() if asked.method == "POST" else parts.query))
        if sent.pop("access_token", "") != f"{APP}|{SECRET}":
            return _error(190, 400)
        name = parts.path.removeprefix("/v24.0/")
        if (asked.method, name) == ("GET", GROUP):
            return Said(200, {"id": GROUP, "members_can_use": True})
        if name == "threat_descriptors":
            return self._write(sent) if asked.method == "POST" else self._search(sent)
        if name not in self.descriptors:
            return _error(100, 400)
        if asked.method == "DELETE":
            self._note(self.descriptors.pop(name), gone=True)
            return Said(200, {"success": True})
        return self._edit(name, sent)

    def _write(self, sent: dict[str, str]) -> Said:
        if not {"indicator", "type", "description", "share_level", "status", "privacy_type"} <= sent.keys():
            return _error(100, 400)
        if sent["indicator"] in self.refused:
            return _error(1349, 400)
        own = [
            id_ for id_, one in self.descriptors.items() if (one["owner"], one["indicator"]) == (APP, sent["indicator"])
        ]
        id_ = own[0] if own else str(len(self.descriptors) + 1)
        self.descriptors[id_] = {**sent, "owner": APP}
        self._note(self.descriptors[id_])
        return Said(200, {"success": True, "id": id_})

    def _edit(self, id_: str, sent: dict[str, str]) -> Said:
        found = self.descriptors[id_]
        if "reactions" in sent:
            if found["owner"] == APP:
                return _error(100, 400)
            self.reactions.append((id_, sent["reactions"]))
            return Said(200, {"success": True})
        if "reactions_to_remove" in sent:
            self.reactions.remove((id_, sent["reactions_to_remove"]))
            self.ended += 1
            return Said(200, {"success": True})
        if found["owner"] != APP:
            return _error(10, 403)
        found.update(sent)
        self._note(found)
        return Said(200, {"success": True})

    def _search(self, sent: dict[str, str]) -> Said:
        found = [
            {"id": id_, "raw_indicator": one["indicator"], "owner": {"id": one["owner"]}}
            for id_, one in self.descriptors.items()
            if one["indicator"] == sent["text"]
        ]
        return Said(200, {"data": found})

    def _note(self, one: dict[str, str], *, gone: bool = False) -> None:
        is_revoked = gone or one["status"] == "NON_MALICIOUS"
        self.changes.append(
            {
                "type": "indicator",
                "pattern": f"[domain-name:value = '{one['indicator']}']",
                "revoked": is_revoked,
            }
        )


def _error(code: int, status: int) -> Said:
    return Said(status, {"error": {"code": code, "message": "No", "type": "OAuthException"}})


class TestThreatExchangePush(FaultsContract, PushContract):
    connector = "threatexchange-push"
    bad_settings = (
        ({"url": "http://graph.example"}, "allow_http"),
        ({"privacy_group": "mine"}, "privacy_group"),
        ({"access_token": "s3cret"}, "the secret itself is not allowed here"),
    )
    reports: ClassVar[dict[str, str]] = {"tlp": "amber"}
    peer: Graph

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("TX_TOKEN", f"{APP}|{SECRET}")
        self.peer = Graph()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url=f"{self.peer.url}v24.0",
            privacy_group=GROUP,
            access_token={"env": "TX_TOKEN"},
            least_grade="investigate",
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.changes

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern.split("'")[1])

    def of_another(self, value: str) -> str:
        """Let another app have a descriptor of a value, and return its id."""
        self.peer.descriptors["900"] = {"owner": "77", "indicator": value, "status": "MALICIOUS"}
        return "900"

    def test_a_descriptor_is_visible_to_the_privacy_group_alone(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        (found,) = self.peer.descriptors.values()
        assert (found["privacy_type"], found["privacy_members"]) == ("HAS_PRIVACY_GROUP", GROUP)
        assert (found["type"], found["indicator"], found["share_level"]) == ("DOMAIN", "h0.example.com", "AMBER")
        assert re.fullmatch("[0-9]+", found["expired_on"])

    @pytest.mark.parametrize(("tlp", "level"), [("clear", "WHITE"), ("green", "GREEN"), ("amber+strict", None)])
    def test_no_level_is_widened(self, store: Store, tlp: str, level: str | None) -> None:
        self.reports = {"tlp": tlp}  # type: ignore[misc]
        self.prepare(store, 1)
        assert run(store, self.feed()).ending == "done"
        assert [found["share_level"] for found in self.peer.descriptors.values()] == ([level] if level else [])

    def test_the_id_of_the_descriptor_is_stored(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        with store.read() as tx:
            remotes = [kept.remote for kept in deliveries.history(tx, feed="tested") if kept.remote]
        assert remotes == list(self.peer.descriptors)

    def test_a_delisting_makes_it_harmless_and_reacts_to_others(self, store: Store) -> None:
        other = self.of_another("h0.example.com")
        self.prepare(store, 2)
        run(store, self.feed())
        self.retract(store, "h0.example.com")
        assert run(store, self.feed()).ending == "done"
        own = [found for found in self.peer.descriptors.values() if found["owner"] == APP]
        assert [found["status"] for found in own] == ["NON_MALICIOUS", "SUSPICIOUS"]
        assert self.peer.reactions == [(other, "NON_MALICIOUS")]

    def test_reactions_end_if_the_value_is_listed_again(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of_another("h0.example.com")
        self.prepare(store, 1)
        run(store, self.feed())
        self.retract(store, "h0.example.com")
        run(store, self.feed())
        assert len(self.peer.reactions) == 1
        self.change(store, "h0.example.com", READER)
        feed = self.feed()
        with monkeypatch.context() as patch:

            def crash(*_: object) -> None:
                raise Crash

            patch.setattr(feed, "_end_reactions", crash)
            with pytest.raises(Crash):
                run(store, feed)
        assert len(self.peer.reactions) == 1
        assert run(store, self.feed()).ending == "done"
        assert (self.peer.reactions, self.peer.ended) == ([], 1)
        own = [found for found in self.peer.descriptors.values() if found["owner"] == APP]
        assert [found["status"] for found in own] == ["MALICIOUS"]
        # A later version changes the descriptor alone.
        self.change(store, "h0.example.com")
        assert run(store, self.feed()).ending == "done"
        assert self.peer.ended == 1

    def test_it_reacts_to_nothing_unless_configured(self, store: Store) -> None:
        self.of_another("h0.example.com")
        self.prepare(store, 1)
        run(store, self.feed(react=False))
        self.retract(store, "h0.example.com")
        run(store, self.feed(react=False))
        assert self.peer.reactions == []

    def test_value_that_falls_below_the_grade_is_deleted(self, store: Store) -> None:
        self.block(store, "h1.example.com")
        run(store, self.feed(least_grade="block"))
        assert [found["status"] for found in self.peer.descriptors.values()] == ["MALICIOUS"]
        self.retract(store, "h1.example.com", READER)
        self.prepare(store, 2)
        run(store, self.feed(least_grade="block"))
        assert self.peer.descriptors == {}

    def test_a_crash_between_delivery_and_record_leaves_no_descriptor_uncorrected(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 1)
        feed = self.feed()
        real = feed.push  # type: ignore[attr-defined]

        def push(items: Any) -> Any:
            answers = real(items)
            if self.peer.descriptors:
                raise Crash
            return answers

        monkeypatch.setattr(feed, "push", push)
        with pytest.raises(Crash):
            run(store, feed)
        self.retract(store, "h0.example.com")
        assert run(store, self.feed()).ending == "done"
        assert [found["status"] for found in self.peer.descriptors.values()] == ["NON_MALICIOUS"]

    def test_a_descriptor_deleted_there_by_hand_is_no_failure(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        self.peer.descriptors.clear()
        self.retract(store, "h0.example.com")
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 0)
