"""``scamfeed notice``: a signed statement of a partner's reads of one value, without data of others."""

import base64
import io
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas.tlog.signatures import canonical
from server.app import close, create_app
from server.settings import load
from server.store.credentials import UsedLogin, hash_token
from server.store.database.times import now, stamp
from server.web.taxii.application import call_wsgi
from tests.integration.command import Run, answer
from tests.times import text_ago

VALUE = "TH:KASITHBK:4567890123"
TAXII = "application/taxii+json;version=2.1"


def _ask(token: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request to an application, and stop the application so that it stores its read log."""
    app = create_app(load())
    environ = {
        "REQUEST_METHOD": "GET" if body is None else "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_ACCEPT": TAXII if body is None else "application/json",
        "HTTP_HOST": "hub.example",
        "SERVER_NAME": "hub.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.17",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body or b""),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body or b"")),
    }
    status, _, answered = call_wsgi(app.wsgi_app, environ)
    close(app)
    return int(status[:3]), answered


@pytest.fixture
def tokens() -> dict[str, str]:
    return {}


@pytest.fixture
def hub(run_with_store: Run, tokens: dict[str, str], tmp_path: Path) -> Run:
    """Make a hub where Bank A reported an account that Bank B may read but has not read yet."""
    run = run_with_store
    for name in ("Bank A", "Bank B", "Bank C", "Bank D"):
        tokens[name] = answer(run("partner", "add", name, "--kind", "bank", "--json"))["token"]
    for name in ("Bank B", "Bank C"):
        assert run("partner", "grant", name, "--read", "mule-accounts").exit_code == 0
    (tmp_path / "reports.csv").write_text("account_number,bank,country\n4567890123,KBANK,TH\n")
    answer(
        run("contribute", "reports.csv", "--partner", "Bank A", "--kind", "bank-account", "--tlp", "amber", "--json")
    )
    return run


def _statement(hub: Run, partner: str = "Bank B", *more: str) -> dict[str, Any]:
    document = answer(hub("notice", VALUE, "--partner", partner, "--by", "Anna", "--json", *more))
    stated: dict[str, Any] = document["statement"]
    return stated


@pytest.mark.parametrize("run_with_store", ["sqlite", "postgresql"], indirect=True)
def test_notice_has_reads_delistings_and_responses_of_one_partner_only(hub: Run, tokens: dict[str, str]) -> None:
    before = _statement(hub)
    assert before["published"]
    assert {row["given"] for row in before["published"]} == {None}
    assert "never-read" in before["not_known"]
    assert _ask(tokens["Bank B"], "/feed/collections/mule-accounts/objects/")[0] == 200
    stated = _statement(hub)
    [row] = [row for row in stated["published"] if row["collection"] == "mule-accounts"]
    assert row["revoked"] is False
    assert row["given"]["by"] >= row["date_added"]
    assert [request["address"] for request in row["given"]["requests"]] == ["192.0.2.17"]
    login = row["given"]["login"]
    assert (login["by"], login["id"]) == ("token", UsedLogin("token", hash_token(tokens["Bank B"])).id)
    assert login["issued"] < row["date_added"]
    assert "login" not in stated["not_known"]
    assert tokens["Bank B"][:8] not in json.dumps(stated)
    assert stated["value"] == {"kind": "bank-account", "value": VALUE}
    assert {row["given"] for row in _statement(hub, "Bank C")["published"]} == {None}
    Path("outcomes.csv").write_text(
        f"record,of,outcome,reported_at\noutcome,bank-account:{VALUE},blocked,{text_ago(days=31)}\n"
    )
    for name in ("Bank B", "Bank C"):
        answer(hub("contribute", "outcomes.csv", "--partner", name, "--json"))
    assert hub("retract", VALUE, "--reason", "mistaken").exit_code == 0
    stated = _statement(hub)
    assert [row["outcome"] for row in stated["outcomes"]] == ["blocked"]
    assert {row["how"] for row in stated["receipts"]} <= {None, "acknowledged", "read"}
    assert stated["receipts"]
    assert [row["revoked"] for row in stated["published"] if row["collection"] == "mule-accounts"] == [False, True]
    written = json.dumps(stated)
    assert "Bank A" not in written
    assert "Bank C" not in written


@pytest.mark.parametrize("run_with_store", ["sqlite", "postgresql"], indirect=True)
def test_given_is_the_first_read_after_the_version(hub: Run, tokens: dict[str, str]) -> None:
    path = "/feed/collections/mule-accounts/objects/"
    assert _ask(tokens["Bank B"], path)[0] == 200
    answered = now()
    [first] = _statement(hub)["published"]
    assert first["date_added"] < first["given"]["by"] < stamp(answered)
    for number in range(3):
        Path("more.csv").write_text(f"account_number,bank,country\n456789012{4 + number},KBANK,TH\n")
        answer(
            hub("contribute", "more.csv", "--partner", "Bank A", "--kind", "bank-account", "--tlp", "amber", "--json")
        )
        assert _ask(tokens["Bank B"], path)[0] == 200
        [again] = _statement(hub)["published"]
        assert (again["given"]["by"], again["given"]["login"]) == (first["given"]["by"], first["given"]["login"])
        assert again["given"]["read_up_to"] == first["given"]["read_up_to"]
        assert again["given"]["last_asked"] > first["given"]["last_asked"]


def test_a_notice_is_checked_by_openssl_and_named_in_the_audit_trail(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "hub.pem").write_text(hub("key", "show").stdout)
    assert hub("notice", VALUE, "--partner", "Bank B", "--output", "notice.json").exit_code == 0
    assert stat.S_IMODE((tmp_path / "notice.json").stat().st_mode) == 0o600
    digest = answer(hub("notice", "check", "notice.json", "--key", "hub.pem", "--json"))["sha256"]
    document = json.loads((tmp_path / "notice.json").read_text())
    plain = json.dumps(document["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert plain == canonical(document["statement"])
    (tmp_path / "statement").write_bytes(plain)
    (tmp_path / "signature").write_bytes(base64.b64decode(document["signatures"][0]["signature"]))
    command = "openssl pkeyutl -verify -pubin -inkey hub.pem -rawin -in statement -sigfile signature"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "notice.json").write_text(json.dumps(document).replace("4567890123", "4567890124"))
    assert hub("notice", "check", "notice.json", "--key", "hub.pem").exit_code == 1
    answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    trail = (tmp_path / "trail.jsonl").read_text()
    assert digest in trail
    assert "4567890123" not in trail


def test_a_notice_is_one_page_in_two_languages_with_the_statement_attached(hub: Run, tmp_path: Path) -> None:
    for language in ("en", "th"):
        done = hub("notice", VALUE, "--partner", "Bank B", "--pdf", "notice.pdf", "--language", language)
        assert done.exit_code == 0, done.output
        written = (tmp_path / "notice.pdf").read_bytes()
        assert written.startswith(b"%PDF-")
        assert b"/Count 1" in written
        assert b"notice.json" in written
    stated = answer(hub("notice", "+66 81 234 5678", "--partner", "Bank B", "--kind", "phone", "--json"))["statement"]
    assert stated["published"] == []
    assert hub("notice", "no value at all", "--partner", "Bank B").exit_code == 2


def test_partner_gets_its_own_statement_and_hidden_values_look_absent(
    hub: Run, tokens: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "hub.pem").write_text(hub("key", "show").stdout)
    status, body = _ask(tokens["Bank B"], "/api/notice", json.dumps({"value": VALUE}).encode())
    assert status == 200
    (tmp_path / "notice.json").write_bytes(body)
    assert answer(hub("notice", "check", "notice.json", "--key", "hub.pem", "--json"))["good"]
    stated = json.loads(body)["statement"]
    assert stated["partner"]["name"] == "Bank B"
    assert stated["published"]
    hidden, absent = (
        json.loads(_ask(tokens["Bank D"], "/api/notice", json.dumps({"value": value}).encode())[1])["statement"]
        for value in (VALUE, VALUE.replace("4567", "4568"))
    )
    assert hidden | {"made": 0, "value": 0} == absent | {"made": 0, "value": 0}
    for wrong in ({"value": "no value"}, {"value": 1}, {}, {"value": VALUE, "partner": "Bank A"}):
        assert _ask(tokens["Bank B"], "/api/notice", json.dumps(wrong).encode())[0] == 422
