"""Observability: health, metrics, the access log and the audit trail."""

import base64
import json
import os
import re
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

import requests

from server.store import audit, collections, read_progress
from tests.integration.access.conftest import Hub, Serve, eventually, tool


def value(page: str, name: str, **labels: str) -> float:
    """Sum the samples of a metric with these labels."""
    lines = [line for line in page.splitlines() if line.startswith(name + "{") or line.startswith(name + " ")]
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    return sum(float(line.rpartition(" ")[2]) for line in lines if all(item in line for item in wanted))


def trail(hub: Hub) -> list[audit.AuditEntry]:
    with hub.store.read() as tx:
        assert audit.verify(tx) == []
        return audit.tail(tx, 100)


def test_health_distinguishes_live_from_ready(serve: Serve) -> None:
    hub = serve()
    for path in ("/health", "/health/live", "/health/ready"):
        answer = requests.get(hub.url + path, timeout=60)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    with hub.store.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE collections RENAME TO gone")
    assert requests.get(hub.url + "/health/live", timeout=60).status_code == 200
    for path in ("/health", "/health/ready"):
        assert requests.get(hub.url + path, timeout=60).status_code == 503


def test_metrics_are_summed_over_the_workers(serve: Serve) -> None:
    hub = serve(workers=2)
    sent = [tool(id=f"tool--{uuid.uuid4()}") for _ in range(5)]
    assert hub.post(sent).status_code == 202
    for _ in range(20):
        assert hub.get().status_code == 200
    hub.get(auth=("bank", "wrong"))
    page = requests.get(hub.url + "/metrics", timeout=60).text
    assert value(page, "scamfeed_requests_total", method="GET", route="objects", status="200") == 20
    assert value(page, "scamfeed_requests_total", method="POST", status="202") == 1
    assert value(page, "scamfeed_requests_total", status="401") == 1
    assert value(page, "scamfeed_request_seconds_count", route="objects", method="GET") == 21
    assert value(page, "scamfeed_objects_total", collection=hub.room.id, direction="in") == 5
    assert value(page, "scamfeed_objects_total", collection=hub.room.id, direction="out") == 100
    assert value(page, "scamfeed_collection", alias="room") == 1
    # Both workers, the process that started them, and its tracker of shared memory where there is one.
    assert value(page, "scamfeed_processes") >= 3
    assert value(page, "scamfeed_process_resident_bytes") > 100_000_000


def test_metrics_are_hidden_after_dns_rebinding(serve: Serve) -> None:
    hub = serve(metrics_token="t" * 40)
    page = hub.url + "/metrics"
    told = {"Host": "scam.example:8000"}
    assert requests.get(page, timeout=60).status_code == 200
    assert requests.get(page, headers=told, timeout=60).status_code == 404
    token = {"Authorization": "Bearer " + "t" * 40}
    assert requests.get(page, headers=told | token, timeout=60).status_code == 200


def test_wrong_passwords_are_counted_over_the_workers_and_the_correct_one_is_accepted(serve: Serve) -> None:
    hub = serve(workers=3)
    # One connection each, so that every worker gets some.
    wrong = [hub.get(auth=("bank", f"guess {number}")).status_code for number in range(40)]
    assert wrong.count(401) <= 11
    assert wrong.count(429) == 40 - wrong.count(401)
    assert [hub.get().status_code for _ in range(6)] == [200] * 6


def test_partner_without_recent_polls_lags_behind(serve: Serve) -> None:
    hub = serve()

    def lag() -> float | None:
        page = requests.get(hub.url + "/metrics", timeout=60).text
        if "scamfeed_partner_lag_seconds{" not in page:
            return None
        return value(page, "scamfeed_partner_lag_seconds", partner="bank", collection=hub.room.id)

    hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)])
    hub.get(hub.objects + "?limit=1")
    eventually(lambda: (lag() or 0) > 0)
    eventually(lambda: hub.get().ok and lag() == 0)


def test_partner_names_in_metrics_need_loopback_or_the_token(serve: Serve) -> None:
    hub = serve(metrics_token="for prometheus")
    url = hub.url + "/metrics"
    through = {"X-Forwarded-For": "203.0.113.7"}
    assert requests.get(url, timeout=60).status_code == 200
    assert requests.get(url, headers=through, timeout=60).status_code == 404
    token = {"Authorization": "Bearer for prometheus"}
    assert requests.get(url, headers={**through, **token}, timeout=60).status_code == 200
    assert requests.get(url, headers={**through, "Authorization": "Bearer x"}, timeout=60).status_code == 404


class OlderConnection(HTTPConnection):
    """Speaks HTTP/1.0."""

    _http_vsn, _http_vsn_str = 10, "HTTP/1.0"


class Proxy(BaseHTTPRequestHandler):
    """Passes GET requests on as a proxy with its default settings does."""

    # How it connects to the server, whether it passes on the name that it was asked for, and the headers that it adds.
    sends: ClassVar[tuple[type[HTTPConnection], bool, Mapping[str, str]]]
    server_url: ClassVar[str]

    def do_GET(self) -> None:
        connect, keeps_host, added = self.sends
        place = urlsplit(self.server_url)
        connection = connect(place.hostname or "", place.port, timeout=60)
        connection.putrequest("GET", self.path, skip_host=True)
        connection.putheader("Host", self.headers["Host"] if keeps_host else place.netloc)
        for name, text in added.items():
            connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def proxy(
    hub: Hub, connect: type[HTTPConnection], added: Mapping[str, str], *, keeps_host: bool = False
) -> Iterator[str]:
    handler = type("_", (Proxy,), {"sends": (connect, keeps_host, added), "server_url": hub.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        worker = Thread(target=server.serve_forever)
        worker.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            worker.join()


PROXIES: Mapping[str, tuple[type[HTTPConnection], Mapping[str, str]]] = {
    "nginx": (OlderConnection, {"Connection": "close"}),
    "nginx with its usual lines": (HTTPConnection, {"X-Real-IP": "192.0.2.1", "X-Forwarded-For": "192.0.2.1"}),
    "haproxy with forwardfor": (HTTPConnection, {"X-Forwarded-For": "192.0.2.1"}),
    "haproxy with option forwarded": (HTTPConnection, {"Forwarded": "proto=http;for=192.0.2.1"}),
    "apache": (HTTPConnection, {"X-Forwarded-Host": "hub.example", "X-Forwarded-Server": "hub.example"}),
    "squid": (HTTPConnection, {"Via": "1.1 cache.example (squid/6.13)", "Cache-Control": "max-age=259200"}),
    "varnish": (HTTPConnection, {"X-Varnish": "32770", "Via": "1.1 cache (Varnish/7.7)"}),
    "traefik": (HTTPConnection, {"X-Forwarded-Port": "80", "X-Forwarded-Proto": "http"}),
    "envoy": (HTTPConnection, {"X-Envoy-Expected-Rq-Timeout-Ms": "15000"}),
    "a content network": (HTTPConnection, {"CDN-Loop": "cdn.example"}),
}


def test_metrics_are_hidden_behind_each_proxy_as_an_unknown_path_is(serve: Serve) -> None:
    hub = serve(metrics_token="for prometheus")
    for name, (connect, added) in PROXIES.items():
        with proxy(hub, connect, added) as url:
            hidden, absent = (requests.get(url + path, timeout=60) for path in ("/metrics", "/metricx"))
            assert (hidden.status_code, hidden.headers["Content-Type"]) == (404, absent.headers["Content-Type"]), name
            assert without_id(hidden) == without_id(absent), name
        with proxy(hub, connect, {**added, "Authorization": "Bearer for prometheus"}) as url:
            assert requests.get(url + "/metrics", timeout=60).status_code == 200, name
    # haproxy adds nothing, and passes the name on under which it was asked.
    with proxy(hub, HTTPConnection, {}, keeps_host=True) as url:
        assert requests.get(url + "/metrics", headers={"Host": "hub.example"}, timeout=60).status_code == 404
    assert requests.get(hub.url + "/metrics", timeout=60).status_code == 200


def without_id(answer: requests.Response) -> str:
    """Return the text of an answer without the random id of an error."""
    return re.sub(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", "", answer.text)


def test_access_log_has_each_request_without_filter_values(serve: Serve) -> None:
    hub = serve(access_log="json")
    hub.get(hub.objects + "?match[id]=x-account--1234567890")
    hub.get(hub.url + "/taxii2/")
    refused = hub.get(auth=("bank", "a wrong password")).json()
    hub.get(hub.url + "/nowhere/4111111111111111")
    said = hub.log.read_text()
    # Each line is a document, but for the warning printed at the start.
    documents = [json.loads(line) for line in said.splitlines() if not line.startswith("scamfeed: warning")]
    assert {document["event"] for document in documents} == {"request", "log"}
    lines = [document for document in documents if document["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "objects", 200),
        ("GET", "discovery", 200),
        ("GET", "objects", 401),
        ("GET", "nowhere", 404),
    ]
    assert lines[0]["collection"] == hub.room.id
    assert lines[0]["partner"] == "bank"
    assert lines[2]["error_id"] == refused["error_id"]
    basic = base64.b64encode(f"bank:{hub.bank.password}".encode()).decode()
    for secret in ("1234567890", "4111111111111111", "a wrong password", hub.bank.password, basic):
        assert secret not in said


def test_pages_are_counted_and_logged_by_their_names_without_an_address(serve: Serve) -> None:
    hub = serve(access_log="json")
    for path in ("/check?value=4111111111111111", "/console/requests/4111111111111111", "/check"):
        requests.get(hub.url + path, timeout=60, allow_redirects=False)
    lines = [json.loads(line) for line in hub.log.read_text().splitlines() if '"request"' in line]
    assert [(line["method"], line["route"]) for line in lines][::2] == [("GET", "/check")] * 2
    assert lines[1]["route"] == "/console/requests/<id>"
    assert all(line.keys() <= {"at", "event", "method", "route", "status", "ms"} for line in lines)
    assert "4111111111111111" not in hub.log.read_text()
    page = requests.get(hub.url + "/metrics", timeout=60).text
    assert value(page, "scamfeed_requests_total", route="/check") == 2
    assert value(page, "scamfeed_request_seconds_count", route="/check") == 2
    # Probes and pages are no requests of partners.
    assert "health" not in page
    assert trail(hub) == []


def test_audit_trail_has_writes_reads_and_failures(serve: Serve) -> None:
    hub = serve(workers=2)
    status = hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)]).json()
    for _ in range(4):
        hub.get()
    refused = hub.get(auth=("bank", "wrong")).json()
    gone = hub.objects + hub.get().json()["objects"][0]["id"] + "/"
    assert requests.delete(gone, auth=(hub.bank.user, hub.bank.password), timeout=60).status_code == 200
    eventually(lambda: sum(entry.event.requests for entry in trail(hub)) >= 8)
    events = [entry.event for entry in trail(hub)]
    [post] = [entry for entry in events if entry.method == "POST"]
    assert (post.partner, post.remote, post.collection) == ("bank", "127.0.0.1", hub.room.id)
    assert (post.status, post.objects, post.reference) == (202, 3, status["id"])
    [delete] = [entry for entry in events if entry.method == "DELETE"]
    assert (delete.status, delete.objects) == (200, 1)
    reads = [entry for entry in events if entry.method == "GET" and entry.status == 200]
    assert sum(entry.requests for entry in reads) == 5
    assert sum(entry.objects for entry in reads) == 15
    [failure] = [entry for entry in events if entry.status == 401]
    assert (failure.partner, failure.reference) == (None, refused["error_id"])


def test_write_is_in_the_audit_trail_after_a_kill(serve: Serve) -> None:
    hub = serve()
    status = hub.post([tool(id=f"tool--{uuid.uuid4()}")]).json()
    for worker in [hub.process.pid, *hub.workers()]:
        os.kill(worker, signal.SIGKILL)
    assert [entry.event.reference for entry in trail(hub)] == [status["id"]]


def test_stopping_server_writes_all_entries(serve: Serve) -> None:
    hub = serve(workers=2)
    for _ in range(10):
        hub.get()
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    assert sum(entry.event.requests for entry in trail(hub)) == 10
    with hub.store.read() as tx:
        assert [entry.collection for entry in read_progress.lags(tx)] == [collections.get(tx, "room").alias]
