"""The page at ``/`` as a browser and a TAXII client meet it."""

from urllib.parse import urljoin

import pytest
import requests

from tests.integration.access.conftest import TAXII, Hub, Serve

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def hub(serve_all: Serve) -> Hub:
    return serve_all(title="Our Hub & friends", contact="desk@hub.example")


def ask(hub: Hub, method: str = "GET", accept: str = BROWSER, **more: str) -> requests.Response:
    return requests.request(method, hub.url + "/", headers={"Accept": accept, **more}, timeout=30)


def test_a_person_gets_a_page_without_any_credentials(hub: Hub) -> None:
    answer = ask(hub)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "Accept" in [value.strip() for value in answer.headers["Vary"].split(",")]
    assert "Our Hub &amp; friends" in answer.text
    assert "mailto:desk@hub.example" in answer.text
    assert "In service" in answer.text
    # What the page links to is there, though it may want credentials.
    for path in ("taxii2/", "feed/", "openapi.json", "health"):
        assert f'href="/{path}"' in answer.text
        assert requests.get(urljoin(answer.url, path), timeout=30).status_code in (200, 401)


def test_the_page_is_the_same_for_a_partner_and_names_nobody_and_nothing_shared(hub: Hub) -> None:
    open_to_all = ask(hub).text
    assert hub.get(hub.url + "/", headers={"Accept": BROWSER}).text == open_to_all
    for told in (hub.room.id, hub.room.alias, hub.room.title, hub.bank.user):
        assert told not in open_to_all.replace("bank accounts", "")


def test_the_page_says_when_the_store_is_away(serve: Serve) -> None:
    hub = serve()
    with hub.store.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE collections RENAME TO gone")
    answer = ask(hub)
    assert answer.status_code == 200
    assert "Out of service" in answer.text


def test_a_taxii_client_finds_nothing_there(hub: Hub) -> None:
    for accept in (TAXII, "application/taxii+json"):
        answer = ask(hub, accept=accept)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == TAXII
        assert answer.json()["error_id"] in hub.log.read_text()


def test_the_page_is_read_and_nothing_else(hub: Hub) -> None:
    got, headed = (requests.request(method, hub.url + "/", timeout=30) for method in ("GET", "HEAD"))
    assert (got.status_code, headed.status_code) == (200, 200)
    assert headed.content == b""
    assert {**headed.headers, "Date": ""} == {**got.headers, "Date": ""}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = ask(hub, method)
        assert refused.status_code == 405
        assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_the_page_is_packed_for_those_who_ask(hub: Hub) -> None:
    plain, packed = ask(hub, **{"Accept-Encoding": "identity"}), ask(hub, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.text == plain.text
