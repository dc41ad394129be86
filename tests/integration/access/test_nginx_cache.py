"""nginx caches pages, and serves them only to authorised readers and only while they are current."""

import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from schemas.partner import Partner, PartnerKind
from server.store import collections, log, partners
from server.store.credentials import Credentials
from server.store.item import Item
from tests.integration.access.conftest import TAXII, Serve, eventually, tool
from tests.integration.access.test_certificates import Authority
from tests.integration.access.test_nginx import DEPLOY, NGINX, Front, adapted, put, run_nginx, settings
from tests.ports import free_port

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")

LARGE = {"description": "x" * 500}


@pytest.fixture
def front(serve: Serve, tmp_path: Path) -> Iterator[Front]:
    hub, authority = serve(workers=2, **settings()), Authority(tmp_path, "authority")
    port = free_port()
    text = adapted(tmp_path, port, hub, authority)
    for name in ("http", "server"):
        text = put(text, f"# include /etc/scamfeed/nginx-cache/{name}.conf;", f"include {tmp_path}/{name}.conf;")
        shutil.copy(DEPLOY / "nginx-cache" / f"{name}.conf", tmp_path)
    pages = tmp_path / "http.conf"
    pages.write_text(put(pages.read_text(), "/var/cache/nginx/scamfeed", f"{tmp_path}/pages"))
    with run_nginx(tmp_path, port, text):
        found = Front(hub, port, authority, tmp_path / "scamfeed.log")
        fill(found, [tool(id=f"tool--{uuid.uuid4()}", **LARGE) for _ in range(300)])
        yield found


def fill(front: Front, objects: list[dict[str, Any]]) -> None:
    with front.hub.store.begin() as tx:
        log.append(tx, front.hub.room, [Item.of(one) for one in objects])


def lines(front: Front) -> list[dict[str, Any]]:
    """Return the hub's responses according to its access log."""
    told = [line for line in front.hub.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in map(orjson.loads, told) if line.get("event") == "request"]


def made(front: Front) -> int:
    """Count the pages that the hub sent itself."""
    return sum(line["route"] == "objects" for line in lines(front))


def ids(answer: requests.Response) -> set[str]:
    assert answer.status_code == 200
    return {item["id"] for item in answer.json()["objects"]}


def bearer(credentials: Credentials) -> dict[str, Any]:
    return {"auth": None, "headers": {"Authorization": f"Bearer {credentials.token}", "Accept": TAXII}}


def add_reader(front: Front, name: str, *, reads: bool = True) -> Credentials:
    with front.hub.store.begin() as tx:
        given = partners.add(
            tx, Partner(name=name, kind=PartnerKind.NGO, identity=f"identity--{uuid.uuid4()}", vouched=True)
        )
        if reads:
            collections.grant(tx, name, front.hub.room, read=True)
    return given


def warm(front: Front, url: str, **more: Any) -> None:
    """Send a request until nginx has cached the page and each worker of the hub has it ready."""
    for _ in range(30):
        front.ask(url, **more)


@pytest.mark.long
def test_many_readers_cost_the_hub_as_much_as_a_few(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    warm(front, url)
    readers = [add_reader(front, f"reader-{number}") for number in range(20)]
    before = made(front)
    first = front.ask(url)
    for reader in readers:
        answer = front.ask(url, **bearer(reader))
        assert answer.content == first.content
        assert answer.headers["X-TAXII-Date-Added-Last"] == first.headers["X-TAXII-Date-Added-Last"]
    assert made(front) - before <= 2

    # The audit trail has each reader with the page that it received.
    def audited() -> int:
        with front.hub.store.read() as tx:
            rows = tx.exec_driver_sql("SELECT partner FROM audit WHERE route = 'cached-page' AND objects >= 100").all()
        return len({row[0] for row in rows if row[0].startswith("reader-")})

    eventually(lambda: audited() == len(readers))
    eventually(lambda: {f"reader-{number}" for number in range(20)} <= readers_noted(front))


def readers_noted(front: Front) -> set[str]:
    with front.hub.store.read() as tx:
        return {row[0] for row in tx.exec_driver_sql("SELECT partner FROM read_positions").all()}


def test_cached_page_is_never_served_without_access(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    warm(front, url)
    assert front.ask(url, auth=("bank", "wrong")).status_code == 401
    assert front.ask(url, auth=None).status_code == 401
    outsider = add_reader(front, "outsider", reads=False)
    assert front.ask(url, **bearer(outsider)).status_code == 404
    reader = add_reader(front, "reader")
    assert front.ask(url, **bearer(reader)).status_code == 200
    assert (
        front.ask(
            url, auth=None, headers={"Authorization": f"Bearer {reader.token}", "Accept": "text/html"}
        ).status_code
        == 406
    )
    with front.hub.store.begin() as tx:
        collections.revoke(tx, "reader", front.hub.room)
    assert front.ask(url, **bearer(reader)).status_code == 404
    with front.hub.store.begin() as tx:
        collections.grant(tx, "reader", front.hub.room, read=True)
    assert front.ask(url, **bearer(reader)).status_code == 200
    with front.hub.store.begin() as tx:
        partners.rotate(tx, "reader", overlap=timedelta(0))
    assert front.ask(url, **bearer(reader)).status_code == 401


def test_changed_page_is_never_served_in_its_old_version(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    warm(front, url)
    for _ in range(5):
        [*before] = ids(front.ask(url))
        newer = tool(id=before[0], modified="2026-02-01T00:00:00.000Z", **LARGE)
        fill(front, [newer])
        for _ in range(4):
            assert before[0] not in ids(front.ask(url))
    last = f"{front.objects}?limit=10000"
    warm(front, last)
    for number in range(5):
        added = tool(id=f"tool--{uuid.uuid4()}", **LARGE)
        fill(front, [added])
        for _ in range(4):
            assert added["id"] in ids(front.ask(last)), number


def test_pages_are_cached_per_encoding(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    for encoding in ("identity", "gzip", "zstd"):
        warm(front, url, headers={"Accept-Encoding": encoding})
    before = made(front)
    for encoding in ("gzip", "zstd", "identity"):
        with front.ask(url, headers={"Accept-Encoding": encoding}, stream=True) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == encoding
            assert answer.headers["ETag"]
            assert answer.raw.read(decode_content=False)
    assert made(front) - before <= 2


def test_client_with_the_current_page_gets_not_modified(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    warm(front, url)
    tag = front.ask(url).headers["ETag"]
    assert front.ask(url, headers={"If-None-Match": tag}).status_code == 304
    assert front.ask(url, headers={"If-None-Match": '"another"'}).status_code == 200


def test_contributions_bypass_the_cache(front: Front) -> None:
    warm(front, front.objects)
    sent = [tool(id=f"tool--{uuid.uuid4()}")]
    before = [line["route"] for line in lines(front)].count("cached-page")
    done = front.ask(method="POST", json={"objects": sent}, headers={"Content-Type": TAXII})
    assert done.status_code == 202
    assert [line["route"] for line in lines(front)].count("cached-page") == before


def test_authorisation_endpoint_is_reserved_for_nginx(front: Front) -> None:
    assert front.ask(f"{front.url}/cached-page").status_code == 404
    assert front.ask(f"{front.url}/.cached-page").status_code == 404
    assert front.ask(f"{front.url}/.no-page").status_code == 404


def test_unreachable_hub_is_reported_as_without_a_cache(front: Front) -> None:
    front.hub.process.terminate()
    front.hub.process.wait(60)
    assert front.ask().status_code == 502
