"""During a reload and a stop under load, no request of a partner fails."""

import signal
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.integration.access.conftest import Hub, Serve, eventually, tool

# Count of successful responses of all clients. Appending needs no lock.
Answered = list[int]


def load(hub: Hub, stopping: threading.Event, well: Answered, *, kept: bool, may_disconnect: bool) -> list[str]:
    """Read and post until stopped, and return the failures."""
    answered, failed = 0, []
    session = requests.Session()
    session.auth = (hub.bank.user, hub.bank.password)
    while not stopping.is_set():
        client = session if kept else requests.Session()
        client.auth = session.auth
        try:
            if answered % 5:
                answer = client.get(hub.objects + "?limit=5", timeout=60)
            else:
                body = {"objects": [tool(id=f"tool--{uuid.uuid4()}")]}
                headers = {"Content-Type": "application/taxii+json;version=2.1"}
                answer = client.post(hub.objects, json=body, headers=headers, timeout=60)
            if answer.ok:
                answered += 1
                well.append(answer.status_code)
            else:
                failed.append(f"{answer.status_code} {answer.text}")
        except requests.ConnectionError as error:
            if may_disconnect:
                break
            failed.append(str(error))
        finally:
            if not kept:
                client.close()
    session.close()
    return failed


def more(well: Answered) -> None:
    """Wait for further responses, with no time limit for slow machines."""
    enough = len(well) + 10
    eventually(lambda: len(well) >= enough, 60)


def under_load(hub: Hub, act: Callable[[Answered], None], *, may_disconnect: bool) -> int:
    """Act on the server while clients read and post, and return the number of responses. No request may fail."""
    stopping, well = threading.Event(), Answered()
    with ThreadPoolExecutor(4) as clients:
        loads = [
            clients.submit(load, hub, stopping, well, kept=kept, may_disconnect=may_disconnect)
            for kept in (True, True, False, False)
        ]
        try:
            act(well)
        finally:
            stopping.set()
    assert [failure for load in loads for failure in load.result()] == []
    return len(well)


def test_a_reload_fails_no_request(serve: Serve) -> None:
    hub = serve(workers=2)

    def reload(well: Answered) -> None:
        for _ in range(2):
            before = set(hub.workers())
            more(well)
            hub.process.send_signal(signal.SIGHUP)
            eventually(lambda before=before: len(hub.workers()) == 2 and not before & set(hub.workers()), 60)
        more(well)

    under_load(hub, reload, may_disconnect=False)


def test_stop_answers_open_requests_and_refuses_new_ones(serve: Serve) -> None:
    hub = serve(workers=2)

    def stop(well: Answered) -> None:
        more(well)
        hub.process.terminate()
        assert hub.process.wait(60) == 0

    answered = under_load(hub, stop, may_disconnect=True)
    # The server may miss a client that connects at the last moment. Every accepted request has its response.
    assert hub.log.read_text().count("scamfeed.access request partner=bank ") == answered
    with pytest.raises(requests.ConnectionError, match="refused"):
        hub.get()


def test_folder_of_the_metrics_is_removed_with_the_server(serve: Serve) -> None:
    hub = serve()
    hub.get()
    maps = Path(f"/proc/{hub.workers()[0]}/maps").read_text()
    folders = {line.split()[-1].rpartition("/")[0] for line in maps.splitlines() if "scamfeed-metrics-" in line}
    assert len(folders) == 1
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    assert not any(Path(folder).exists() for folder in folders)
