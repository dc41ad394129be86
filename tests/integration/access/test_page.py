"""The page at ``/`` for a browser and for a TAXII client."""

from urllib.parse import urljoin

import pytest
import requests

from tests.integration.access.conftest import TAXII, Hub, Serve

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def hub(serve_all: Serve) -> Hub:
    return serve_all(title="Our Hub & friends", contact="desk@hub.example")


def ask(hub: Hub, method: str = "GET", accept: str = BROWSER, **more: str) -> requests.Response:
    return requests.request(method, hub.url + "/", headers={"Accept": accept, **more}, timeout=60)


def test_person_gets_a_page_without_credentials(hub: Hub) -> None:
    answer = ask(hub)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "Accept" in [value.strip() for value in answer.headers["Vary"].split(",")]
    assert "Our Hub &amp; friends" in answer.text
    assert "mailto:desk@hub.example" in answer.text
    assert "In service" in answer.text
    # The links of the page exist, though some need credentials.
    for path in ("taxii2/", "feed/", "openapi.json", "health"):
        assert f'href="/{path}"' in answer.text
        assert requests.get(urljoin(answer.url, path), timeout=60).status_code in (200, 401)


def test_page_is_the_same_for_partners_and_names_no_partner_or_collection(hub: Hub) -> None:
    open_to_all = ask(hub).text
    assert hub.get(hub.url + "/", headers={"Accept": BROWSER}).text == open_to_all
    for told in (hub.room.id, hub.room.alias, hub.room.title, hub.bank.user):
        assert told not in open_to_all.replace("bank accounts", "")


def test_page_reports_an_unreachable_store(serve: Serve) -> None:
    hub = serve()
    with hub.store.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE collections RENAME TO gone")
    answer = ask(hub)
    assert answer.status_code == 200
    assert "Out of service" in answer.text


def test_taxii_client_gets_not_found(hub: Hub) -> None:
    for accept in (TAXII, "application/taxii+json"):
        answer = ask(hub, accept=accept)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == TAXII
        assert answer.json()["error_id"] in hub.log.read_text()


def test_page_is_read_only(hub: Hub) -> None:
    got, headed = (requests.request(method, hub.url + "/", timeout=60) for method in ("GET", "HEAD"))
    assert (got.status_code, headed.status_code) == (200, 200)
    assert headed.content == b""
    assert {**headed.headers, "Date": ""} == {**got.headers, "Date": ""}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = ask(hub, method)
        assert refused.status_code == 405
        assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_page_is_compressed_on_request(hub: Hub) -> None:
    plain, packed = ask(hub, **{"Accept-Encoding": "identity"}), ask(hub, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.text == plain.text


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/feed/nothing/here", "/api/nothing", "/object/%00", "/static/no.js"]
)
def test_an_unknown_address_is_a_page_for_browsers_and_an_error_resource_for_programs(hub: Hub, path: str) -> None:
    def ask_there(accept: str, language: str = "en") -> requests.Response:
        return requests.get(hub.url + path, headers={"Accept": accept, "Accept-Language": language}, timeout=60)

    english, thai = ask_there(BROWSER), ask_there(BROWSER, "th")
    for answer, words, home in ((english, "Page not found", "en"), (thai, "ไม่พบหน้านี้", "th")):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert words in answer.text
        assert f'lang="{home}"' in answer.text
        assert "Our Hub &amp; friends" in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    for accept in (TAXII, "application/json", "*/*"):
        answer = ask_there(accept)
        assert (answer.status_code, answer.json()["http_status"]) == (404, "404")
    refused = requests.post(hub.url + "/health", headers={"Accept": BROWSER}, timeout=60)
    assert (refused.status_code, "Page not found" in refused.text) == (405, True)
    assert "GET" in refused.headers["Allow"]


def test_oversized_form_is_refused_with_a_page_for_browsers(hub: Hub) -> None:
    browser = {"Accept": BROWSER, "Accept-Language": "en", "Cookie": "lang=th; session=" + "s" * 40}

    def send(path: str, **headers: str) -> requests.Response:
        return requests.post(hub.url + path, data=b"value=" + b"1" * 100_000, headers=headers, timeout=60)

    for page in (send("/check", **browser), send("/object", **browser)):
        assert (page.status_code, page.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
        assert "ข้อมูลมีขนาดใหญ่เกินไป" in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert "Set-Cookie" not in page.headers
    for answer in (send("/check", Accept="*/*"), send("/taxii2/", **browser)):
        assert (answer.status_code, answer.json()["http_status"]) == (413, "413")


@pytest.mark.parametrize("path", ["/%5Cevil.example", "//evil.example", "/%5C%5Cevil.example/x", "/%09/evil.example"])
def test_links_on_the_not_found_page_stay_on_this_host(hub: Hub, path: str) -> None:
    page = requests.get(hub.url + path, headers={"Accept": BROWSER}, timeout=60).text
    links = [link.partition('"')[0] for link in page.split('href="')[1:] if "lang=" in link.partition('"')[0]]
    assert len(links) == 2
    for link in links:
        # Browsers read a backslash as a slash and drop blanks inside an address.
        plain = link.replace("\\", "/").replace("\t", "")
        assert plain.startswith("/"), link
        assert not plain.startswith("//"), link
