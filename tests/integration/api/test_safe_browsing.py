"""Hash prefixes: what is blocked is found by its hash, by anybody or by those who may read it, and nothing else is."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from schemas.partner import PartnerKind
from server.features.safe_browsing import listed_hashes, service
from server.store import audit, collections
from tests.integration.api.conftest import ApiHub

DOMAIN, PAGE = "evil.example.com", "https://shop.example.net/pay?to=1"
EXPRESSIONS = {DOMAIN: "evil.example.com/", PAGE: "shop.example.net/pay?to=1"}


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"check_rate_limit": 0}


@pytest.fixture(autouse=True)
def versions_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a version of a list with each request, instead of each minute, and wait for the thread's first reading."""
    monkeypatch.setattr(listed_hashes, "_MINUTE", 1)
    monkeypatch.setattr(service, "_PATIENCE", 60.0)


def _block(hub: ApiHub, value: str, kind: str, tlp: str = "clear", **columns: Any) -> None:
    """Report a value as two partners, which is enough to block it."""
    for by in ("bank", "police"):
        hub.report(by, value, kind, tlp=tlp, **columns)


def _full(expression: str) -> str:
    return base64.b64encode(hashlib.sha256(expression.encode()).digest()).decode()


def _search(hub: ApiHub, *expressions: str, by: str | None = None) -> dict[str, Any]:
    hashes = [hashlib.sha256(expression.encode()).digest() for expression in expressions]
    pairs = [("hashPrefixes", base64.urlsafe_b64encode(full[:4]).decode()) for full in hashes]
    return _json(hub, "/v5/hashes:search", *pairs, by=by)


def _json(hub: ApiHub, path: str, *pairs: tuple[str, str], by: str | None = None) -> dict[str, Any]:
    status, headers, body = hub.ask("GET", f"{path}?{urlencode([*pairs, ('alt', 'json')])}", by)
    assert status == 200, body
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(body)
    return found


def _found(hub: ApiHub, *expressions: str, by: str | None = None) -> set[str]:
    return {found["fullHash"] for found in _search(hub, *expressions, by=by).get("fullHashes", ())}


def _error(hub: ApiHub, path: str, by: str | None = None) -> tuple[int, str]:
    status, headers, body = hub.ask("GET", path, by)
    assert headers["Content-Type"] == "application/json"
    resource = json.loads(body)
    return status, resource["title"] + " " + resource["description"]


def test_what_is_blocked_is_found_by_its_hash_in_json(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    _block(hub, PAGE, "url")
    answer = _search(hub, *EXPRESSIONS.values(), "other.example.com/")
    details = [{"threatType": "SOCIAL_ENGINEERING"}]
    assert sorted(answer["fullHashes"], key=lambda found: str(found["fullHash"])) == sorted(
        ({"fullHash": _full(text), "fullHashDetails": details} for text in EXPRESSIONS.values()),
        key=lambda found: str(found["fullHash"]),
    )
    # One of the prefixes has no hash, which may change sooner.
    assert answer["cacheDuration"] == "60s"
    assert _search(hub, *EXPRESSIONS.values())["cacheDuration"] == "300s"
    assert _search(hub, "other.example.com/") == {"cacheDuration": "60s"}


def test_other_hashes_with_the_prefix_are_not_invented(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    # The whole host, a path below it and the host above it have other hashes.
    assert _found(hub, "example.com/", "www.evil.example.com/", "evil.example.com/a", "evil.example.com") == set()


def test_weaker_grades_and_other_kinds_have_no_hash(hub: ApiHub) -> None:
    hub.report("bank", "single.example.com", "domain", tlp="clear", action="investigate")
    _block(hub, "+66812345678", "phone")
    _block(hub, "192.0.2.7", "ip")
    _block(hub, "evil@example.com", "email")
    values = ["single.example.com", "+66812345678", "0812345678", "192.0.2.7", "evil@example.com", "example.com"]
    assert _found(hub, *values, *(f"{value}/" for value in values)) == set()
    assert "additionsFourBytes" not in _json(hub, "/v5/hashList/se-4b")
    # They are listed for other readers.
    assert hub.look_up("+66812345678")[0]["found"]


def test_a_retraction_takes_effect_with_the_next_search_and_version(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    assert _found(hub, EXPRESSIONS[DOMAIN])
    before = _json(hub, "/v5/hashList/se-4b")
    hub.retract(DOMAIN, "police")
    hub.retract(DOMAIN, "bank")
    assert _search(hub, EXPRESSIONS[DOMAIN]) == {"cacheDuration": "60s"}
    after = _json(hub, "/v5/hashList/se-4b", ("version", before["version"]))
    assert after["partialUpdate"] is True
    assert after["compressedRemovals"] == {"riceParameter": 3}
    assert after["sha256Checksum"] == base64.b64encode(hashlib.sha256(b"").digest()).decode()


def test_a_listing_that_is_no_longer_blocked_leaves_the_list(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    assert _found(hub, EXPRESSIONS[DOMAIN])
    hub.retract(DOMAIN, "police")
    [result] = hub.look_up(DOMAIN)
    assert result["found"]
    assert bool(_found(hub, EXPRESSIONS[DOMAIN])) == (result["grade"] == "block")


def test_an_ended_listing_has_no_hash(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    _block(hub, DOMAIN, "domain")
    assert _found(hub, EXPRESSIONS[DOMAIN])
    version = _json(hub, "/v5/hashList/se-4b")["version"]
    clock = listed_hashes.now
    later = lambda: clock() + 400 * 86_400_000_000  # noqa: E731 - a short clock
    monkeypatch.setattr(listed_hashes, "now", later)
    monkeypatch.setattr("server.features.safe_browsing.api.now", later)
    assert _search(hub, EXPRESSIONS[DOMAIN]) == {"cacheDuration": "60s"}
    assert "compressedRemovals" in _json(hub, "/v5/hashList/se-4b", ("version", version))


def test_hidden_listings_look_unknown(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain", tlp="green")
    for by in (None, "stranger"):
        assert _search(hub, EXPRESSIONS[DOMAIN], by=by) == _search(hub, "unknown.example.com/", by=by)
    assert _found(hub, EXPRESSIONS[DOMAIN], by="reader") == {_full(EXPRESSIONS[DOMAIN])}
    hidden = _error(hub, "/v5/hashList/takedown-4b", "stranger")
    assert hidden == _error(hub, "/v5/hashList/nothing-4b", "stranger")
    assert hidden[0] == 404
    assert _error(hub, "/v5/hashLists:batchGet?names=se-4b&names=takedown-4b")[0] == 404


def test_a_grant_counts_from_the_next_request(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain", tlp="green")
    assert not _found(hub, EXPRESSIONS[DOMAIN], by="stranger")
    hub.grant("stranger", "takedown-full")
    assert _found(hub, EXPRESSIONS[DOMAIN], by="stranger")
    with hub.store.begin() as tx:
        collections.revoke(tx, "stranger", collections.get(tx, "takedown-full"), read=True)
    assert not _found(hub, EXPRESSIONS[DOMAIN], by="stranger")


def test_lists_are_named_for_who_may_read_them(hub: ApiHub) -> None:
    def names(by: str | None, *pairs: tuple[str, str]) -> list[str]:
        return [listed["name"] for listed in _json(hub, "/v5/hashLists", *pairs, by=by).get("hashLists", ())]

    hub.join("platform", "public", "takedown", "sightings", kind=PartnerKind.PLATFORM)
    assert names(None) == ["public-4b"]
    assert names("stranger") == []
    # Accounts have no list.
    assert names("reader") == ["takedown-4b"]
    assert names("platform") == ["public-4b", "takedown-4b"]
    first = _json(hub, "/v5/hashLists", ("pageSize", "1"), by="platform")
    assert names("platform", ("pageToken", first["nextPageToken"])) == ["takedown-4b"]
    [metadata] = [listed["metadata"] for listed in first["hashLists"]]
    assert metadata["hashLength"] == "FOUR_BYTES"
    assert metadata["threatTypes"] == ["SOCIAL_ENGINEERING"]


def test_several_lists_come_in_the_order_asked(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    names = ["mw-4b", "se-4b", "uws-4b"]
    first = _json(hub, "/v5/hashLists:batchGet", *(("names", name) for name in names))["hashLists"]
    assert [listed["name"] for listed in first] == names
    assert ["additionsFourBytes" in listed for listed in first] == [False, True, False]
    _block(hub, "more.example.com", "domain")
    held = [("version", listed["version"]) for listed in reversed(first)]
    again = _json(hub, "/v5/hashLists:batchGet", *(("names", name) for name in names), *held)["hashLists"]
    assert [listed.get("partialUpdate") for listed in again] == [True, True, True]
    assert ["sha256Checksum" in listed for listed in again] == [False, True, False]
    assert {listed["minimumWaitDuration"] for listed in again} == {"60s"}
    assert _json(hub, "/v5/hashList:get", ("name", "se-4b"), held[1]) == again[1]


def test_protobuf_is_the_form_unless_json_is_asked_for(hub: ApiHub) -> None:
    path = f"/v5/hashes:search?hashPrefixes={'A' * 6}"
    for asked, more, expected in (
        ("", {}, "application/x-protobuf"),
        ("&alt=proto", {"HTTP_ACCEPT": "application/json"}, "application/x-protobuf"),
        ("&alt=json", {}, "application/json"),
        ("", {"HTTP_ACCEPT": "application/json, */*"}, "application/json"),
    ):
        for by in (None, "reader"):
            status, headers, _ = hub.ask("GET", path + asked, by, **more)
            assert (status, headers["Content-Type"]) == (200, expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "hashPrefixes"),
        ("hashPrefixes=", "hashPrefixes"),
        ("hashPrefixes=AAA", "hashPrefixes"),
        ("hashPrefixes=AAAAAAA", "hashPrefixes"),
        ("hashPrefixes=AAAAAA&hashPrefixes=%00%00%00%00", "number 2"),
        ("hashPrefixes=AAAA!A", "hashPrefixes"),
        ("hashPrefixes=%E0%B8%81%E0%B8%81", "hashPrefixes"),
        ("hashPrefixes=" + "A" * 10_000, "hashPrefixes"),
        ("&".join(["hashPrefixes=AAAAAA"] * 1_001), "1,000"),
    ],
)
def test_malformed_prefixes_are_refused_with_the_field(hub: ApiHub, query: str, field: str) -> None:
    status, text = _error(hub, f"/v5/hashes:search?{query}")
    assert status == 422
    assert "hashPrefixes" in text
    assert field in text


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/v5/hashList/se-4b?version=!", 422, "version"),
        ("/v5/hashList/se-4b?sizeConstraints.maxUpdateEntries=1023", 422, "sizeConstraints.maxUpdateEntries"),
        ("/v5/hashList/se-4b?sizeConstraints.maxUpdateEntries=-1", 422, "sizeConstraints.maxUpdateEntries"),
        ("/v5/hashList/se-4b?sizeConstraints.maxDatabaseEntries=99999999999", 422, "maxDatabaseEntries"),
        ("/v5/hashList/se-4b?sizeConstraints.maxDatabaseEntries=%E0%B9%91", 422, "maxDatabaseEntries"),
        ("/v5/hashList/%00", 404, ""),
        ("/v5/hashList/gc-32b", 404, ""),
        ("/v5/hashList:get", 422, "name"),
        ("/v5/hashLists:batchGet", 422, "names"),
        ("/v5/hashLists:batchGet?names=se-4b&names=se-4b", 422, "names"),
        ("/v5/hashLists:batchGet?names=se-4b&names=public-4b", 422, "se-4b and public-4b are one list"),
        ("/v5/hashLists:batchGet?" + "&".join(f"names={number}" for number in range(33)), 422, "names"),
        ("/v5/hashLists?pageSize=x", 422, "pageSize"),
        ("/v5/hashes:search?" + "x&" * 1_100 + "y", 400, "parameters"),
    ],
)
def test_other_mistakes_are_refused_with_the_field(hub: ApiHub, path: str, status: int, field: str) -> None:
    found, text = _error(hub, path)
    assert found == status
    assert field in text


def test_two_versions_of_one_list_are_refused(hub: ApiHub) -> None:
    first = _json(hub, "/v5/hashList/se-4b")["version"]
    _block(hub, DOMAIN, "domain")
    second = _json(hub, "/v5/hashList/se-4b")["version"]
    held = urlencode([("version", first), ("version", second)])
    status, text = _error(hub, f"/v5/hashLists:batchGet?names=se-4b&{held}")
    assert status == 422
    assert "version: send one of each list" in text


def test_a_thousand_prefixes_are_answered(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    answer = _found(hub, *(f"{number}.example.com/" for number in range(999)), EXPRESSIONS[DOMAIN])
    assert answer == {_full(EXPRESSIONS[DOMAIN])}


def test_wrong_credentials_are_refused_and_not_taken_for_nobodys(hub: ApiHub) -> None:
    path = "/v5/hashes:search?hashPrefixes=AAAAAA"
    assert hub.ask("GET", path, None, HTTP_AUTHORIZATION="Bearer wrong")[0] == 401
    assert hub.ask("GET", path, None, HTTP_AUTHORIZATION="Basic " + base64.b64encode(b"bank:wrong").decode())[0] == 401
    assert hub.ask("POST", path, None)[0] == 405


def test_what_proves_nothing_is_answered_as_nobodys(hub: ApiHub) -> None:
    path = "/v5/hashes:search?hashPrefixes=AAAAAA"
    for header in ("", " ", "Bearer", "Basic ", "Negotiate YII=", "key"):
        assert hub.ask("GET", path, None, HTTP_AUTHORIZATION=header)[0] == 200
    # A certificate for the whole network of an organisation, which no partner has registered.
    assert hub.ask("GET", path, None, **{"scamfeed.certificate": b"of nobody here"})[0] == 200


def test_a_log_that_is_not_read_yet_asks_to_come_again(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    _block(hub, DOMAIN, "domain")
    _block(hub, "more.example.com", "domain")
    monkeypatch.setattr(listed_hashes, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(service, "_PAUSE_SECONDS", 0.01)
    with monkeypatch.context() as held:
        held.setattr(service.SafeBrowsing, "_read_on", lambda served: None)
        held.setattr(service, "_PATIENCE", 0.0)
        status, headers, _ = hub.ask("GET", "/v5/hashList/se-4b", None)
        assert (status, headers["Retry-After"]) == (503, "2")
    assert _found(hub, EXPRESSIONS[DOMAIN], "more.example.com/") == {
        _full(EXPRESSIONS[DOMAIN]),
        _full("more.example.com/"),
    }


def test_lists_that_nobody_asks_for_are_forgotten(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    _block(hub, DOMAIN, "domain")
    version = _json(hub, "/v5/hashList/se-4b")["version"]
    api = hub.application._api._site
    assert api is not None
    served = api.of(service.SafeBrowsing)
    monkeypatch.setattr(service, "_IDLE_SECONDS", -1.0)
    served._read_on()
    assert not served._lists
    monkeypatch.setattr(service, "_IDLE_SECONDS", 3_600.0)
    # The same list has the same version afterwards.
    assert _json(hub, "/v5/hashList/se-4b", ("version", version)) == {
        "name": "se-4b",
        "version": version,
        "partialUpdate": True,
        "minimumWaitDuration": "60s",
    }


def test_a_database_that_lost_entries_is_read_anew(hub: ApiHub) -> None:
    _block(hub, DOMAIN, "domain")
    assert _found(hub, EXPRESSIONS[DOMAIN])
    api = hub.application._api._site
    assert api is not None
    served = api.of(service.SafeBrowsing)
    [listed] = served._lists.values()
    # As if the log had been longer, and had named another value.
    listed._read_up_to += 1_000
    listed._entries.execute("UPDATE entries SET full = ?", (hashlib.sha256(b"lost").digest(),))
    assert _found(hub, EXPRESSIONS[DOMAIN]) == {_full("lost")}
    served._read_on()
    assert _found(hub, EXPRESSIONS[DOMAIN]) == {_full(EXPRESSIONS[DOMAIN])}
    assert len(listed.versions) == 1


def test_the_thread_makes_versions_without_requests(hub: ApiHub) -> None:
    first = _json(hub, "/v5/hashList/se-4b")
    api = hub.application._api._site
    assert api is not None
    served = api.of(service.SafeBrowsing)
    _block(hub, DOMAIN, "domain")
    [listed] = served._lists.values()
    served._read_on()
    assert len(listed.versions) == 1
    assert _json(hub, "/v5/hashList/se-4b", ("version", first["version"]))["partialUpdate"]


class TestLimits:
    """The limits of addresses, and those of partners."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"check_rate_limit": 2, "rate_limit": 5}

    def test_an_address_is_limited_and_a_partner_by_its_own_limit(self, hub: ApiHub) -> None:
        path = "/v5/hashes:search?hashPrefixes=AAAAAA"
        assert [hub.ask("GET", path, None)[0] for _ in range(3)] == [200, 200, 429]
        assert hub.ask("GET", "/v5/hashLists", None)[0] == 429
        # Checks of single values have a limit of their own.
        assert hub.ask("GET", "/api/check?value=evil.example.com", None)[0] == 200
        assert [hub.ask("GET", path, "reader")[0] for _ in range(6)] == [200] * 5 + [429]


def test_searches_leave_no_trace_of_an_address(hub: ApiHub, caplog: pytest.LogCaptureFixture) -> None:
    hub.ask("GET", "/v5/hashes:search?hashPrefixes=AAAAAA", None, REMOTE_ADDR="192.0.2.77")
    assert "192.0.2.77" not in caplog.text
    with hub.store.read() as tx:
        assert not [entry for entry in audit.tail(tx, 100) if entry.event.remote == "192.0.2.77"]
