"""The server as its operators see it: health, metrics, the access log, the audit trail."""

import base64
import json
import os
import signal
import uuid

import requests

from server.store import audit, collections, read_progress
from tests.integration.access.conftest import Hub, Serve, eventually, tool


def value(page: str, name: str, **labels: str) -> float:
    """Add up the samples of a metric that have these labels."""
    lines = [line for line in page.splitlines() if line.startswith(name + "{") or line.startswith(name + " ")]
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    return sum(float(line.rpartition(" ")[2]) for line in lines if all(item in line for item in wanted))


def trail(hub: Hub) -> list[audit.AuditEntry]:
    with hub.store.read() as tx:
        assert audit.verify(tx) == []
        return audit.tail(tx, 100)


def test_health_tells_living_from_ready(serve: Serve) -> None:
    hub = serve()
    for path in ("/health", "/health/live", "/health/ready"):
        answer = requests.get(hub.url + path, timeout=30)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    with hub.store.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE collections RENAME TO gone")
    assert requests.get(hub.url + "/health/live", timeout=30).status_code == 200
    for path in ("/health", "/health/ready"):
        assert requests.get(hub.url + path, timeout=30).status_code == 503


def test_metrics_add_up_over_the_workers(serve: Serve) -> None:
    hub = serve(workers=2)
    sent = [tool(id=f"tool--{uuid.uuid4()}") for _ in range(5)]
    assert hub.post(sent).status_code == 202
    for _ in range(20):
        assert hub.get().status_code == 200
    hub.get(auth=("bank", "wrong"))
    page = requests.get(hub.url + "/metrics", timeout=30).text
    assert value(page, "scamfeed_requests_total", method="GET", route="objects", status="200") == 20
    assert value(page, "scamfeed_requests_total", method="POST", status="202") == 1
    assert value(page, "scamfeed_requests_total", status="401") == 1
    assert value(page, "scamfeed_request_seconds_count", route="objects", method="GET") == 21
    assert value(page, "scamfeed_objects_total", collection=hub.room.id, direction="in") == 5
    assert value(page, "scamfeed_objects_total", collection=hub.room.id, direction="out") == 100
    assert value(page, "scamfeed_collection", alias="room") == 1


def test_a_partner_that_has_not_asked_since_lags_behind(serve: Serve) -> None:
    hub = serve()

    def lag() -> float | None:
        page = requests.get(hub.url + "/metrics", timeout=30).text
        if "scamfeed_partner_lag_seconds{" not in page:
            return None
        return value(page, "scamfeed_partner_lag_seconds", partner="bank", collection=hub.room.id)

    hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)])
    hub.get(hub.objects + "?limit=1")
    eventually(lambda: (lag() or 0) > 0)
    eventually(lambda: hub.get().ok and lag() == 0)


def test_metrics_name_partners_to_this_machine_and_to_the_token_only(serve: Serve) -> None:
    hub = serve(metrics_token="for prometheus")
    url = hub.url + "/metrics"
    through = {"X-Forwarded-For": "203.0.113.7"}
    assert requests.get(url, timeout=30).status_code == 200
    assert requests.get(url, headers=through, timeout=30).status_code == 404
    token = {"Authorization": "Bearer for prometheus"}
    assert requests.get(url, headers={**through, **token}, timeout=30).status_code == 200
    assert requests.get(url, headers={**through, "Authorization": "Bearer x"}, timeout=30).status_code == 404


def test_the_access_log_has_a_line_for_each_request_and_no_value_of_a_filter(serve: Serve) -> None:
    hub = serve(access_log="json")
    hub.get(hub.objects + "?match[id]=x-account--1234567890")
    hub.get(hub.url + "/taxii2/")
    refused = hub.get(auth=("bank", "a wrong password")).json()
    hub.get(hub.url + "/nowhere/4111111111111111")
    said = hub.log.read_text()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
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


def test_the_trail_says_who_wrote_read_and_failed_to(serve: Serve) -> None:
    hub = serve(workers=2)
    status = hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)]).json()
    for _ in range(4):
        hub.get()
    refused = hub.get(auth=("bank", "wrong")).json()
    gone = hub.objects + hub.get().json()["objects"][0]["id"] + "/"
    assert requests.delete(gone, auth=(hub.bank.user, hub.bank.password), timeout=30).status_code == 200
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


def test_a_write_is_on_the_trail_whatever_happens_next(serve: Serve) -> None:
    hub = serve()
    status = hub.post([tool(id=f"tool--{uuid.uuid4()}")]).json()
    for worker in [hub.process.pid, *hub.workers()]:
        os.kill(worker, signal.SIGKILL)
    assert [entry.event.reference for entry in trail(hub)] == [status["id"]]


def test_a_server_that_stops_leaves_nothing_unwritten(serve: Serve) -> None:
    hub = serve(workers=2)
    for _ in range(10):
        hub.get()
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    assert sum(entry.event.requests for entry in trail(hub)) == 10
    with hub.store.read() as tx:
        assert [entry.collection for entry in read_progress.lags(tx)] == [collections.get(tx, "room").alias]
