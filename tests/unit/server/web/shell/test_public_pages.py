"""The public pages without sockets: content, language, and attacks."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.app import close, create_app
from server.features.lookups.asked_value import question_of
from server.features.overview.pages import takes_html
from server.settings import Settings
from server.web.shell.contact_links import link_of
from server.web.shell.visit import local_path


@pytest.fixture
def app(initial_store: Path, tmp_path: Path) -> Iterator[Flask]:
    shutil.copy(initial_store, tmp_path / "hub.db")
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'hub.db'}",
        title="<script>alert(1)</script>",
        owner="Centre & <b>friends</b>",
        country="TH",
        contact='x" onclick="alert(1)',
        check_rate_limit=3,
        access_log="off",
        background=False,
    )
    app = create_app(settings)
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("*/*", True),
        ("text/*", True),
        ("", True),
        (None, True),
        ("application/taxii+json;version=2.1", False),
        ("application/taxii+json", False),
        ("application/json", False),
        ("text/html;q=0, */*", False),
    ],
)
def test_page_is_sent_to_clients_that_accept_html(accept: str | None, takes: bool) -> None:
    assert takes_html(accept) is takes


def test_taxii_client_gets_not_found_at_the_root(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": "application/taxii+json;version=2.1"})
    assert (answer.status_code, answer.json["http_status"]) == (404, "404")


def test_operator_text_is_never_markup(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert 'onclick="' not in page
    assert not re.search(r"<(?:script|style)[^>]*>[^<]", page)
    assert not re.search(r"\s(?:on\w+|style)=", page.replace("x&#34; onclick=&#34;", ""))


def test_every_page_and_every_refusal_has_the_headers_of_all_pages(client: FlaskClient) -> None:
    refused = client.post("/check", data={"value": "x"}, headers={"Origin": "https://elsewhere.example"})
    assert refused.status_code == 403
    for answer in (client.get("/"), client.get("/check"), refused):
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers


def test_static_file_with_its_hash_is_cached_forever(client: FlaskClient) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text)
    assert len(addresses) == 3
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for address in ("/static/console.css", "/static/SOURCES.md", "/static/../pages.py", "/static/%2e%2e/pages.py"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        ("", "", "th-TH,th;q=0.9", "th"),
        ("", "", "de,en;q=0.5", "en"),
        ("", "", "", "en"),
        ("", "th", "en", "th"),
        ("?lang=en", "th", "th", "en"),
        ("?lang=xx", "", "th", "th"),
        ("", "../th", "", "en"),
        ("", "", "th" * 900, "en"),
    ],
)
def test_language_comes_from_link_then_cookie_then_browser(
    client: FlaskClient, query: str, cookie: str, accept: str, language: str
) -> None:
    if cookie:
        client.set_cookie("lang", cookie)
    page = client.get(f"/{query}", headers={"Accept-Language": accept}).text
    assert f'<html lang="{language}">' in page


def test_language_chosen_by_a_link_is_kept(client: FlaskClient) -> None:
    client.get("/?lang=th")
    assert '<html lang="th">' in client.get("/check").text


def test_checks_on_pages_and_api_share_one_limit(client: FlaskClient) -> None:
    for _ in range(2):
        assert client.post("/check", data={"value": "nobody.example.org"}).status_code == 200
    assert client.get("/api/check?value=nobody.example.org").status_code == 200
    refused = client.post("/check", data={"value": "nobody.example.org"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://localhost.elsewhere.example", "file://"]
)
def test_cross_site_form_is_refused(client: FlaskClient, origin: str) -> None:
    answer = client.post("/check", data={"value": "nobody.example.org"}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_cross_site_form_without_an_origin_is_refused(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/check", data={"value": "nobody.example.org"}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/check?lang=th", "/check?lang=th"),
        ("//elsewhere.example", ""),
        ("/\\elsewhere.example", ""),
        ("https://elsewhere.example", ""),
        ("/check\r\nSet-Cookie: x=1", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_redirect_path_stays_on_this_host(given: str, path: str) -> None:
    assert local_path(given) == path


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("desk@hub.example", "mailto:desk@hub.example"),
        ("https://hub.example/desk?a=1&b=2", "https://hub.example/desk?a=1&b=2"),
        ("javascript:alert(1)", ""),
        ("ring the desk", ""),
        ("tel:1441", "tel:1441"),
        ("tel:1441;x=y", ""),
    ],
)
def test_contact_is_a_link_if_it_is_a_url(contact: str, link: str) -> None:
    assert link_of(contact) == link


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"value": "081-234-5678"}, (None, {"country": "TH"})),
        ({"value": "๐๘๑ ๒๓๔ ๕๖๗๘"}, (None, {"country": "TH"})),
        ({"value": "(917) 555 0100", "country": "US"}, (None, {"country": "US"})),
        ({"value": "123-4-56789-0", "bank": "KBANK"}, (None, {"bank": "KBANK", "country": "TH"})),
        ({"value": "1234567890", "kind": "payment-alias"}, ("payment-alias", {})),
        ({"value": "+66812345678", "bank": "KBANK"}, (None, {})),
        ({"value": "shop.example.com", "kind": "no-kind"}, (None, {})),
    ],
)
def test_bank_and_country_apply_to_bare_numbers_without_a_kind(
    written: dict[str, str], read: tuple[str | None, dict[str, str]]
) -> None:
    question = question_of(**{"country": "TH"} | written)
    assert (question.kind, question.details) == read


def test_incomplete_telephone_number_is_explained(client: FlaskClient) -> None:
    refused = client.post("/check?lang=th", data={"value": "123-4-56789-0"})
    assert refused.status_code == 422
    assert "โปรดเลือกธนาคาร" in refused.text
    assert "no kind takes" not in refused.text
    answered = client.post("/check", data={"value": "081-234-5678"}).text
    assert [answered.count(f"<code>{alias}+66812345678</code>") for alias in ("", "promptpay:")] == [1, 1]


@pytest.mark.parametrize(
    ("chosen", "bank"),
    [
        ({"bank": "KASITHBK"}, "KASITHBK"),
        ({"bank": "KASITHBK", "country": "SG"}, "KASITHBK"),
        ({"other_bank": "กสิกรไทย", "country": "TH"}, "KASITHBK"),
        ({"bank": "KASITHBK", "other_bank": "GSB", "country": "TH"}, "GSBATHBK"),
        ({"bank": "004", "country": "TH"}, "KASITHBK"),
    ],
)
def test_account_is_checked_at_the_chosen_bank(client: FlaskClient, chosen: dict[str, str], bank: str) -> None:
    number = "123456789012" if bank == "GSBATHBK" else "1234567890"
    page = client.post("/check?lang=en", data={"value": number, "kind": "bank-account", **chosen})
    assert page.status_code == 200, page.text
    assert f"({bank})</span>" in page.text


def test_banks_of_the_country_are_a_list(client: FlaskClient) -> None:
    page = client.get("/check?lang=th").text
    assert '<option value="KASITHBK">กสิกรไทย</option>' in page
    assert '<option value="TH" selected>ไทย</option>' in page


def test_every_page_names_the_owner_and_the_contact(client: FlaskClient) -> None:
    for path in ("/", "/check", "/object", "/login", "/trends"):
        page = client.get(path).text
        assert page.count("Centre &amp; &lt;b&gt;friends&lt;/b&gt;") >= 2, path
        assert "Contact: x&#34; onclick=&#34;alert(1)" in page


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_message_gets_an_answer_per_value_in_its_order(client: FlaskClient, headers: dict[str, str]) -> None:
    text = "คลิก hxxps://shop[.]example[.]com/a <b>now</b> หรือโทร 081-234-5678"
    answer = client.post("/check", data={"value": text}, headers=headers)
    assert answer.status_code == 200
    asked = re.findall(r'class="asked">You searched for <b>([^<]+)</b>', answer.text)
    assert asked == ["https://shop.example.com/a", "081-234-5678"]
    assert answer.text.count("We have no report of it") == 2
    assert "<b>now" not in answer.text


def test_checks_are_counted_by_value_and_the_answers_so_far_are_shown(client: FlaskClient) -> None:
    answer = client.post("/check", data={"value": "a.example.com b.example.com c.example.com d.example.com"})
    assert answer.status_code == 429
    assert answer.text.count('class="asked"') == 3
    assert "You can try again from" in answer.text


def test_long_text_says_that_it_was_cut(client: FlaskClient) -> None:
    answer = client.post("/check", data={"value": "see example.com " + "word " * 5_000})
    assert answer.status_code == 200
    assert "first 4,000 characters" in answer.text


def test_checked_text_is_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        client.post("/check", data={"value": "pay secret-shop.example.com or +66 81 234 5678"})
    assert "secret-shop" not in caplog.text
    assert "234" not in caplog.text.replace(" ", "")
