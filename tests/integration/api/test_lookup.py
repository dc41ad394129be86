"""Look-ups return what a partner may read about a value in any spelling, and nothing else."""

import gzip
import io
import json
from typing import Any

import pytest

from server.features.lookups import queries
from server.features.trail.recorder import AuditTrail
from server.store import audit, partners, subjects
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import AddressQuota
from tests.integration.api.conftest import ApiHub

ACCOUNT = {"value": "1234567890", "kind": "bank-account", "details": {"bank": "004", "country": "TH"}}
DOMAIN = "shop.example.com"


def _reported(hub: ApiHub) -> None:
    hub.report("bank", "1234567890", "bank-account", details={"bank": "KBANK", "country": "TH"}, confidence="80")
    hub.report("bank", DOMAIN, "domain", scam_type="investment")


def test_a_listed_value_is_found_in_any_spelling(hub: ApiHub) -> None:
    _reported(hub)
    account, domain, other = hub.look_up(
        ACCOUNT, "shop[.]example[.]com", {"value": "KBANK 123-4-56789-0", "details": {"country": "TH"}}
    )
    assert (account["kind"], account["normal"], account["found"]) == ("bank-account", "TH:KASITHBK:1234567890", True)
    [listing] = account["listings"]
    assert listing["collection"] == "mule-accounts"
    assert (listing["reporters"], listing["reporter_kinds"]) == (1, ["bank"])
    assert account["grade"] == listing["grade"]
    assert {"id", "confidence", "scam_type", "disputed", "valid_until", "modified", "tlp"} <= listing.keys()
    assert 0 < account["cache_seconds"] <= 300
    assert domain["found"]
    assert domain["listings"][0]["scam_type"] == "investment"
    assert other["listings"] == account["listings"]


def test_unknown_hidden_retracted_and_ended_values_look_alike(hub: ApiHub) -> None:
    _reported(hub)
    hub.report("bank", "gone.example.com", "domain")
    hub.retract("gone.example.com", "bank")
    asked = ["unknown.example.com", DOMAIN, "gone.example.com"]
    for result, value in zip(hub.look_up(*asked, by="stranger"), asked, strict=True):
        assert result == {
            "value": value,
            "kind": "domain",
            "normal": value,
            "found": False,
            "listings": [],
            "cache_seconds": 60,
        }
    assert [result["found"] for result in hub.look_up(*asked)] == [False, True, False]


def test_grant_is_effective_from_the_next_request(hub: ApiHub) -> None:
    _reported(hub)
    assert not hub.look_up(DOMAIN, by="stranger")[0]["found"]
    hub.grant("stranger", "takedown-full")
    [result] = hub.look_up(DOMAIN, by="stranger")
    assert [listing["collection"] for listing in result["listings"]] == ["takedown-full"]
    hub.grant("stranger", "takedown")
    [result] = hub.look_up(DOMAIN, by="stranger")
    assert [listing["collection"] for listing in result["listings"]] == ["takedown"]


def test_private_listing_is_visible_to_its_reader_only(hub: ApiHub) -> None:
    hub.report("police", "quiet.example.com", "domain", tlp="amber", only_partners="reader")
    [result] = hub.look_up("quiet.example.com")
    assert [listing["collection"] for listing in result["listings"]] == ["for-reader"]
    hub.join("other", "takedown")
    assert not hub.look_up("quiet.example.com", by="other")[0]["found"]


def test_strongest_listing_comes_first(hub: ApiHub) -> None:
    hub.report("police", DOMAIN, "domain", tlp="clear")
    hub.grant("reader", "public")
    [result] = hub.look_up(DOMAIN)
    assert {listing["collection"] for listing in result["listings"]} == {"takedown", "public"}
    assert result["grade"] == result["listings"][0]["grade"]


def test_one_bad_value_does_not_stop_the_others(hub: ApiHub) -> None:
    _reported(hub)
    bad, good, kindless, long = hub.look_up(
        {"value": "12345", "kind": "bank-account"}, DOMAIN, {"value": "?", "kind": "no"}, "x" * 5_000
    )
    assert long["error"]["reason"] == "bad-value"
    assert bad["error"]["reason"] == "bank-missing"
    assert (bad["found"], bad["listings"]) == (False, [])
    assert good["found"]
    assert kindless["error"]["reason"] == "unknown-kind"


def test_two_names_with_one_digest_are_distinguished(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "digest", lambda subject: 7)
    hub.report("bank", "one.example.com", "domain")
    hub.report("bank", "two.example.com", "domain")
    one, two, three = hub.look_up("one.example.com", "two.example.com", "three.example.com")
    assert (one["found"], two["found"], three["found"]) == (True, True, False)
    assert one["listings"][0]["id"] != two["listings"][0]["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "not-json-body"),
        (b"\xff", 422, "not-json-body"),
        (b"[" * 100_000, 422, "not-a-lookup"),
        (b'{"values": []}', 422, "not-a-lookup"),
        (b'{"values": [{"value": "x", "secret-12345": 1}]}', 422, "not-a-lookup"),
        (json.dumps({"values": [{"value": "x"}] * 1_001}).encode(), 422, "not-a-lookup"),
        (b'{"values": [{"value": "' + b"x" * 1_100_000 + b'"}]}', 413, "body-too-large"),
    ],
)
def test_malformed_look_up_is_refused(hub: ApiHub, body: bytes, status: int, code: str) -> None:
    got, headers, answer = hub.ask("POST", "/api/lookup", body=body)
    assert (got, json.loads(answer)["error_code"]) == (status, code)
    assert headers["Content-Type"] == "application/json"
    assert b"12345" not in answer


def test_a_compressed_body_is_bounded_once_it_is_decompressed(hub: ApiHub) -> None:
    bomb = gzip.compress(b'{"values": [{"value": "' + b"x" * 5_000_000 + b'"}]}')
    status, _, answer = hub.ask("POST", "/api/lookup", body=bomb, HTTP_CONTENT_ENCODING="gzip")
    assert (status, json.loads(answer)["error_code"]) == (413, "body-too-large")
    small = gzip.compress(json.dumps({"values": [{"value": DOMAIN}]}).encode())
    assert hub.ask("POST", "/api/lookup", body=small, HTTP_CONTENT_ENCODING="gzip")[0] == 200


def test_credentials_methods_and_types_are_checked(hub: ApiHub) -> None:
    body = json.dumps({"values": [{"value": DOMAIN}]}).encode()
    assert hub.ask("POST", "/api/lookup", None, body)[0] == 401
    status, headers, _ = hub.ask("GET", "/api/lookup")
    assert (status, headers["Allow"]) == (405, "OPTIONS, POST")
    assert hub.ask("POST", "/api/lookup", body=body, CONTENT_TYPE="text/csv")[0] == 415
    assert hub.ask("POST", "/api/lookup", body=body, HTTP_ACCEPT="text/html")[0] == 406
    assert hub.ask("POST", "/api/lookup", body=body, HTTP_ACCEPT="application/json")[0] == 200


def test_look_up_is_audited_without_its_values(hub: ApiHub, caplog: pytest.LogCaptureFixture) -> None:
    _reported(hub)
    caplog.set_level("DEBUG")
    hub.look_up(ACCOUNT, "asked-about.example.com")
    hub.look_up(ACCOUNT)
    next(observer for observer in hub.application.observers if isinstance(observer, AuditTrail)).flush()
    with hub.store.read() as tx:
        [event] = [entry.event for entry in audit.tail(tx, 10) if entry.event.route == "lookup"]
    assert (event.partner, event.requests, event.objects, event.status) == ("reader", 2, 3, 200)
    lines = " ".join(record.getMessage() for record in caplog.records)
    assert "route=lookup" in lines
    for secret in ("1234567890", "asked-about"):
        assert secret not in lines
        assert secret not in repr(event)


def test_hidden_and_unknown_values_touch_the_same_rows(hub: ApiHub) -> None:
    """The store queries do not depend on whether other partners have the value."""
    _reported(hub)
    with hub.store.read() as tx:
        for logs in ({}, queries.readable_logs(tx, "stranger"), queries.public_logs(tx, "public")):
            assert queries.known(tx, [f"domain:{DOMAIN}"], (), logs).bodies == {}


class TestQuota:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"lookup_values": 50}

    def _asked(self, hub: ApiHub, *values: dict[str, Any]) -> tuple[int, dict[str, str]]:
        status, headers, _ = hub.ask("POST", "/api/lookup", body=json.dumps({"values": values}).encode())
        return status, headers

    def test_account_misses_cost_more_and_headers_show_the_rest(self, hub: ApiHub) -> None:
        _reported(hub)
        status, headers = self._asked(hub, {"value": DOMAIN}, {"value": "unknown.example.com"})
        assert (status, headers["RateLimit-Policy"]) == (200, '"lookups";q=50;w=60')
        assert headers["RateLimit"].startswith('"lookups";r=48;t=')
        assert self._asked(hub, ACCOUNT)[1]["RateLimit"].startswith('"lookups";r=47;')
        unknown = {**ACCOUNT, "value": "9876543210"}
        assert self._asked(hub, unknown)[1]["RateLimit"].startswith('"lookups";r=27;')
        assert self._asked(hub, unknown)[1]["RateLimit"].startswith('"lookups";r=7;')
        status, headers = self._asked(hub, unknown)
        assert (status, headers["RateLimit"][:14]) == (200, '"lookups";r=0;')
        status, headers = self._asked(hub, {"value": DOMAIN})
        assert status == 429
        assert 1 <= int(headers["Retry-After"]) <= 60
        assert headers["RateLimit"].startswith('"lookups";r=0;')

    def test_request_above_the_remaining_quota_is_refused_whole(self, hub: ApiHub) -> None:
        assert self._asked(hub, *({"value": f"a{number}.example.com"} for number in range(51)))[0] == 429
        assert self._asked(hub, *({"value": f"a{number}.example.com"} for number in range(50)))[0] == 200

    def test_partners_of_one_organisation_share_a_quota(self, hub: ApiHub) -> None:
        with hub.store.begin() as tx:
            partners.change(tx, partners.get(tx, "stranger").model_copy(update={"organisation": "Reader"}))
        assert self._asked(hub, *({"value": f"a{number}.example.com"} for number in range(50)))[0] == 200
        assert hub.ask("POST", "/api/lookup", "stranger", b'{"values": [{"value": "a.example.com"}]}')[0] == 429

    def test_each_partner_has_its_own_quota(self, hub: ApiHub) -> None:
        assert self._asked(hub, *({"value": f"a{number}.example.com"} for number in range(50)))[0] == 200
        assert hub.ask("POST", "/api/lookup", "stranger", b'{"values": [{"value": "a.example.com"}]}')[0] == 200


def _is_allowed(quota: AddressQuota, address: str) -> bool:
    try:
        quota.spend(address)
    except TaxiiError:
        return False
    return True


class TestCheck:
    def test_public_values_can_be_checked_anonymously(self, hub: ApiHub) -> None:
        _reported(hub)
        hub.report("police", "open.example.com", "domain", tlp="clear")
        status, headers, body = hub.ask("GET", "/api/check?value=hxxp://open[.]example.com/", None)
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        [result] = json.loads(body)["results"]
        assert result["kind"] == "url"
        [found] = json.loads(hub.ask("GET", "/api/check?value=open.example.com", None)[2])["results"]
        assert [listing["collection"] for listing in found["listings"]] == ["public"]
        [hidden] = json.loads(hub.ask("GET", f"/api/check?value={DOMAIN}", None)[2])["results"]
        assert (hidden["found"], hidden["listings"]) == (False, [])

    def test_anonymous_clients_are_not_recorded(self, hub: ApiHub, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        for address in ("192.0.2.1", "192.0.2.2"):
            assert hub.ask("GET", "/api/check?value=a.example.com", None, REMOTE_ADDR=address)[0] == 200
        next(observer for observer in hub.application.observers if isinstance(observer, AuditTrail)).flush()
        with hub.store.read() as tx:
            [event] = [entry.event for entry in audit.tail(tx, 10) if entry.event.route == "check"]
        assert (event.partner, event.remote, event.requests) == (None, audit.VISITOR, 2)
        lines = " ".join(record.getMessage() for record in caplog.records)
        assert "route=check" in lines
        assert "192.0.2" not in lines

    def test_credentials_do_not_extend_a_public_check(self, hub: ApiHub) -> None:
        _reported(hub)
        assert b'"found":false' in hub.ask("GET", f"/api/check?value={DOMAIN}", "reader")[2]

    @pytest.mark.parametrize("query", ["", "?kind=domain", "?value=a&value=b", "?value=" + "x" * 5_000])
    def test_a_check_has_one_value(self, hub: ApiHub, query: str) -> None:
        status, _, body = hub.ask("GET", "/api/check" + query, None)
        assert (status, json.loads(body)["error_code"]) == (400, "not-a-check")

    def test_anonymous_address_has_a_limit_per_minute(self, hub: ApiHub) -> None:
        asked = [hub.ask("GET", "/api/check?value=a.example.com", None)[0] for _ in range(31)]
        assert asked == [200] * 30 + [429]
        assert hub.ask("GET", "/api/check?value=a.example.com", None, REMOTE_ADDR="192.0.2.1")[0] == 200
        network = [hub.ask("GET", "/api/check?value=a", None, REMOTE_ADDR=f"2001:db8::{n}")[0] for n in range(31)]
        assert network[-1] == 429

    def test_network_has_four_times_the_limit_of_an_address(self) -> None:
        quota = AddressQuota(30, lambda: 1_000.0)
        for around in ("192.0.2.{}", "2001:db8:0:{:x}::1"):
            asked = [_is_allowed(quota, around.format(1 + at % 250)) for at in range(200)]
            assert asked == [True] * 120 + [False] * 80
        assert _is_allowed(quota, "192.0.3.1")

    def test_occasional_client_is_answered_under_load(self) -> None:
        clock = [1_020.0]
        quota = AddressQuota(30, lambda: clock[0])
        many = [f"10.{at // 250}.{at % 250}.1" for at in range(200)]
        for at in range(120):
            clock[0] = 1_020.0 + at / 2
            for address in many:
                _is_allowed(quota, address)
            if at % 40 == 39:
                assert _is_allowed(quota, "192.0.2.1")
                assert sum(_is_allowed(quota, address) for address in many) <= 70, "all together as a rule"

    def test_all_anonymous_clients_share_a_limit(self) -> None:
        quota = AddressQuota(30, lambda: 1_020.0)
        asked = [_is_allowed(quota, f"10.{at // 60_000}.{at // 240 % 250}.{at % 240}") for at in range(40_000)]
        asked += [_is_allowed(quota, f"11.{at // 250}.{at % 250}.1") for at in range(40_000)]
        assert sum(asked) == 33_000


def test_long_texts_are_not_read_on_the_event_loop(hub: ApiHub) -> None:
    if not hub.store.url.startswith("sqlite"):
        pytest.skip("nothing is answered there from a database server")

    def is_fast(text: str) -> bool:
        body = json.dumps({"values": [{"value": text}]}).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/lookup",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {hub.tokens['reader']}",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
        }
        fast = hub.application.respond_fast(environ) is not None
        assert fast or hub.application.respond(environ).status == 200
        return fast

    # The first requests use up their part of the quota, and any may be late on a busy machine.
    assert any(is_fast("a.example.com") for _ in range(50))
    assert not any(is_fast("๑" * 1_100) for _ in range(5))
