"""``taxii-pull`` with TAXII servers of both versions as the peer."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mappers import ids
from server.store import Store
from tests.contract.connectors.contract import PARTNER, latest
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.peer import Asked, Said, serving
from tests.contract.connectors.pulls import RevokingPullContract
from tests.contract.connectors.taxii_collection import COLLECTION, Peer20, Peer21, indicator
from tests.running import run


class TaxiiPullSuite(GarbageContract, FaultsContract, RevokingPullContract):
    connector = "taxii-pull"
    bad_settings = (
        ({"version": "1.1"}, "version"),
        ({"added_after": "yesterday"}, "added_after: not a time"),
        ({"user": None}, "set both user and password"),
        ({"token": {"env": "A"}}, "or token"),
        ({"url": "http://peer.example/x/"}, "set allow_http"),
        ({"url": "https://scamfeed:s3cret@peer.example/x/"}, "url: must not contain user or password"),
    )
    kind: type[Peer21] = Peer21
    version = "2.1"
    peer: Peer21

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PEER_PASSWORD", "s3cret")
        self.peer = self.kind()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": f"{self.peer.url}api/collections/{COLLECTION}/",
            "version": self.version,
            "user": "hub",
            "password": {"env": "PEER_PASSWORD"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        self.peer.add(
            *(indicator(number, datetime.now(UTC) + self.peer.clock) for number in range(len(self.peer.added), count))
        )

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.peer.add(indicator(0), indicator(1, pattern="[domain-name:value MATCHES 'a.*']"), indicator(2))

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.peer.add(indicator(0), {"id": 7, "type": "indicator", "pattern": ["a"]}, indicator(2))

    def revoke(self, number: int) -> None:
        self.peer.add(indicator(number, revoked=True))

    def list_again(self, number: int) -> None:
        self.peer.add(indicator(number))

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.peer.clock = timedelta(hours=hours)

    def test_refused_request_is_misconfigured(self, store: Store) -> None:
        self.peer.fault = "400"
        self.check_misconfigured(store)

    def test_unreadable_collection_is_misconfigured(self, store: Store) -> None:
        self.peer.can_read = False
        self.check_misconfigured(store)

    def test_api_root_with_collection_equals_collection_url(self, store: Store) -> None:
        self.prepare(store, 2)
        assert run(store, self.feed(url=f"{self.peer.url}api", peer_collection="alias")).ending == "done"
        assert len(self.arrived(store)) == 2

    def test_first_run_can_start_at_a_date(self, store: Store) -> None:
        self.peer.step = timedelta(days=1)
        self.prepare(store, 7)
        assert run(store, self.feed(added_after="2026-01-05")).read == 3

    def test_peer_without_dates_loses_nothing(self, store: Store) -> None:
        self.peer.headers = False
        self.prepare(store, 4)
        assert run(store, self.feed()).accepted == 4
        self.peer.added += [(datetime.now(UTC) + timedelta(seconds=number), indicator(number)) for number in (5, 6)]
        assert run(store, self.feed()).accepted == 2
        assert len(self.arrived(store)) == 6

    def test_narrow_marking_stays_narrow(self, store: Store) -> None:
        self.peer.add(indicator(0, object_marking_refs=["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]))
        result = run(store, self.feed())
        assert (result.read, result.accepted) == (1, 0)
        assert self.arrived(store) == []


def wait_for_prefetches() -> None:
    """Wait for pages already requested by a stopped run."""
    for thread in threading.enumerate():
        if thread.name == "prefetch":
            thread.join()


class TestTaxiiPullOf21(TaxiiPullSuite):
    """Tests of TAXII 2.1 only: pages by token."""

    def test_forgotten_token_loses_no_object(self, store: Store) -> None:
        self.prepare(store, 12)
        stop_after_two = _Stop(2)
        run(store, self.feed(), stop=stop_after_two)  # type: ignore[arg-type]  # asked like the real one
        assert len(self.arrived(store)) == 6
        wait_for_prefetches()
        self.peer.forgets = True
        self.peer.answers = 0
        assert run(store, self.feed(batch=100)).ending == "done"
        assert len(self.arrived(store)) == len(set(self.arrived(store))) == 12
        assert self.peer.answers == 2

    def test_more_without_next_continues_by_date(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = self.peer.objects

        def without_next(asked: Asked, query: dict[str, str]) -> Said:
            said = whole(asked, query)
            said.body.pop("next", None)
            return said

        monkeypatch.setattr(self.peer, "objects", without_next)
        self.prepare(store, 7)
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 7

    def test_empty_response_does_not_reset_the_position(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 4)
        with monkeypatch.context() as patch:
            patch.setattr(self.peer, "objects", lambda asked, query: Said(200, {}, self.peer.type(asked)))
            result = run(store, self.feed())
            assert (result.ending, result.read) == ("done", 0)
        assert run(store, self.feed()).accepted == 4

    def test_dead_token_loses_only_new_objects(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 9)
        run(store, self.feed())
        self.prepare(store, 10)
        real = self.peer.objects
        page = {"more": True, "next": "nowhere", "objects": []}
        told = iter([lambda asked: Said(200, page, self.peer.type(asked)), lambda _: Said(404, {})])

        def astray(asked: Asked, query: dict[str, str]) -> Said:
            spoil = next(told, None)
            return spoil(asked) if spoil else real(asked, query)

        monkeypatch.setattr(self.peer, "objects", astray)
        result = run(store, self.feed())
        assert (result.ending, result.read) == ("done", 1)

    @pytest.mark.parametrize("page", [{"more": True}, {"more": True, "next": "same"}, {"more": True, "next": None}])
    def test_endless_pages_are_aborted(
        self, store: Store, page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(self.peer, "objects", lambda asked, query: Said(200, page, self.peer.type(asked)))
        result = run(store, self.feed())
        assert result.ending == "try-later"
        assert len(self.peer.asked) < 10

    def test_endless_empty_pages_are_aborted(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        def ever_new(asked: Asked, query: dict[str, str]) -> Said:
            return Said(200, {"more": True, "next": str(len(self.peer.asked))}, self.peer.type(asked))

        monkeypatch.setattr(self.peer, "objects", ever_new)
        assert run(store, self.feed()).ending == "try-later"
        assert len(self.peer.asked) < 200

    def test_oversized_page_is_processed_in_parts(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = self.peer.objects
        monkeypatch.setattr(self.peer, "objects", lambda asked, query: whole(asked, {**query, "limit": "100"}))
        self.prepare(store, 8)
        run(store, self.feed(), stop=_Stop(1))  # type: ignore[arg-type]  # asked like the real one
        assert len(self.arrived(store)) == 3
        run(store, self.feed())
        assert len(self.arrived(store)) == 8

    def test_last_second_of_a_coarse_clock_is_queried_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            self.peer,
            "dated",
            lambda some: {"X-TAXII-Date-Added-Last": some[-1][0].strftime("%Y-%m-%dT%H:%M:%SZ")} if some else {},
        )
        self.peer.step = timedelta(seconds=1)
        self.prepare(store, 3)
        run(store, self.feed())
        last = self.peer.added[-1][0]
        self.peer.added.append((last, indicator(3)))
        run(store, self.feed())
        assert len(self.arrived(store)) == 4

    def test_objects_of_the_partner_are_unchanged(self, store: Store) -> None:
        own = indicator(0, created_by_ref=ids.identity(PARTNER))
        self.peer.add(own, indicator(1))
        assert run(store, self.feed()).accepted == 2
        there = [obj for obj in latest(store, "inbox") if obj["type"] == "indicator"]
        assert there[0]["id"] == own["id"]
        assert there[1]["id"] != indicator(1)["id"]
        assert {obj["created_by_ref"] for obj in there} == {ids.identity(PARTNER)}

    def test_one_of_two_reports_of_a_value_can_be_retracted(self, store: Store) -> None:
        other = indicator(0) | {"id": "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"}
        self.peer.add(indicator(0), other)
        run(store, self.feed())
        self.peer.add(indicator(0, revoked=True))
        run(store, self.feed())
        assert len(self.arrived(store)) == 1

    def test_revocation_before_the_first_run_is_ignored(self, store: Store) -> None:
        self.peer.add(
            indicator(0, revoked=True), indicator(0) | {"id": "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"}
        )
        run(store, self.feed())
        assert self.arrived(store) == ["[domain-name:value = 'h0.example.com']"]


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_incomplete_page_headers_are_read",
    "test_endlessly_repeated_page_is_aborted",
    "test_wrong_credentials_are_misconfigured",
)
class TestTaxiiPullOf20(TaxiiPullSuite):
    """TAXII 2.0 and its special feature: pages by range."""

    kind = Peer20
    version = "2.0"
    peer: Peer20

    @pytest.mark.parametrize(("ranges", "says_total"), [(False, False), (True, False)])
    def test_incomplete_page_headers_are_read(self, store: Store, *, ranges: bool, says_total: bool) -> None:
        self.peer.ranges, self.peer.says_total = ranges, says_total
        self.prepare(store, 7)
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 7
        assert run(store, self.feed()).read == 0

    def test_endlessly_repeated_page_is_aborted(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 7)
        whole = self.peer.objects

        def same(asked: Asked, query: dict[str, str]) -> Said:
            said = whole(asked._replace(headers={**asked.headers, "range": "items=0-2"}), query)
            return said._replace(headers={**said.headers, "Content-Range": "items 0-2/*"})

        monkeypatch.setattr(self.peer, "objects", same)
        assert run(store, self.feed()).ending == "try-later"
        assert len(self.peer.asked) < 10


class _Stop:
    """Ends a run after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0
