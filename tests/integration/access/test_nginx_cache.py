"""nginx keeps pages, and gives them to those alone who may have them, as they are now."""

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
from tests.integration.access.test_nginx import DEPLOY, NGINX, Front, adapted, free_port, put, run_nginx, settings

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
    """Return what the hub answered, as its access log has it."""
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
        given = partners.add(tx, Partner(name=name, kind=PartnerKind.NGO, identity=f"identity--{uuid.uuid4()}"))
        if reads:
            collections.grant(tx, name, front.hub.room, read=True)
    return given


def warm(front: Front, url: str, **more: Any) -> None:
    """Ask until nginx has the page, and each worker of the hub knows it."""
    for _ in range(30):
        front.ask(url, **more)


def test_many_readers_cost_the_hub_what_a_few_do(front: Front) -> None:
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

    # Each of them is in the audit trail, with what it has been given.
    def audited() -> int:
        with front.hub.store.read() as tx:
            rows = tx.exec_driver_sql("SELECT partner FROM audit WHERE route = 'cached-page' AND objects >= 100").all()
        return len({row[0] for row in rows if row[0].startswith("reader-")})

    eventually(lambda: audited() == len(readers))
    eventually(lambda: {f"reader-{number}" for number in range(20)} <= readers_noted(front))


def readers_noted(front: Front) -> set[str]:
    with front.hub.store.read() as tx:
        return {row[0] for row in tx.exec_driver_sql("SELECT partner FROM read_positions").all()}


def test_a_cached_page_is_never_for_somebody_without_access(front: Front) -> None:
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


def test_a_page_that_changed_is_never_given_as_it_was(front: Front) -> None:
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


def test_pages_are_kept_in_each_encoding(front: Front) -> None:
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


def test_who_has_the_page_is_told_so(front: Front) -> None:
    url = f"{front.objects}?limit=100"
    warm(front, url)
    tag = front.ask(url).headers["ETag"]
    assert front.ask(url, headers={"If-None-Match": tag}).status_code == 304
    assert front.ask(url, headers={"If-None-Match": '"another"'}).status_code == 200


def test_contributions_pass_and_read_nothing(front: Front) -> None:
    warm(front, front.objects)
    sent = [tool(id=f"tool--{uuid.uuid4()}")]
    before = [line["route"] for line in lines(front)].count("cached-page")
    done = front.ask(method="POST", json={"objects": sent}, headers={"Content-Type": TAXII})
    assert done.status_code == 202
    assert [line["route"] for line in lines(front)].count("cached-page") == before


def test_the_question_is_nginxs_alone(front: Front) -> None:
    assert front.ask(f"{front.url}/cached-page").status_code == 404
    assert front.ask(f"{front.url}/.cached-page").status_code == 404
    assert front.ask(f"{front.url}/.no-page").status_code == 404


def test_a_hub_that_is_away_is_told_of_as_ever(front: Front) -> None:
    front.hub.process.terminate()
    front.hub.process.wait(60)
    assert front.ask().status_code == 502
