"""A reload and a stop while partners ask and post: nobody's request fails."""

import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.integration.access.conftest import Hub, Serve, eventually, tool


def load(hub: Hub, stopping: threading.Event, *, kept: bool, gone_is_fine: bool) -> tuple[int, list[str]]:
    """Ask and post until told to stop; how many were answered well, and what failed."""
    answered, failed = 0, []
    session = requests.Session()
    session.auth = (hub.bank.user, hub.bank.password)
    while not stopping.is_set():
        client = session if kept else requests.Session()
        client.auth = session.auth
        try:
            if answered % 5:
                answer = client.get(hub.objects + "?limit=5", timeout=30)
            else:
                body = {"objects": [tool(id=f"tool--{uuid.uuid4()}")]}
                headers = {"Content-Type": "application/taxii+json;version=2.1"}
                answer = client.post(hub.objects, json=body, headers=headers, timeout=30)
            if answer.ok:
                answered += 1
            else:
                failed.append(f"{answer.status_code} {answer.text}")
        except requests.ConnectionError as error:
            if gone_is_fine and "refused" in str(error):
                break
            failed.append(str(error))
        finally:
            if not kept:
                client.close()
    session.close()
    return answered, failed


def under_load(hub: Hub, act: threading.Thread, stopping: threading.Event, *, gone_is_fine: bool) -> int:
    with ThreadPoolExecutor(4) as clients:
        loads = [
            clients.submit(load, hub, stopping, kept=kept, gone_is_fine=gone_is_fine)
            for kept in (True, True, False, False)
        ]
        act.start()
        act.join()
        stopping.set()
    results = [one.result() for one in loads]
    assert [failure for _, failed in results for failure in failed] == []
    return sum(answered for answered, _ in results)


def test_a_reload_fails_no_request(serve: Serve) -> None:
    hub = serve(workers=2)
    stopping = threading.Event()

    def reload() -> None:
        for _ in range(2):
            before = set(hub.workers())
            time.sleep(0.5)
            hub.process.send_signal(signal.SIGHUP)
            eventually(lambda before=before: len(hub.workers()) == 2 and not before & set(hub.workers()), 60)
        time.sleep(0.5)

    assert under_load(hub, threading.Thread(target=reload), stopping, gone_is_fine=False) > 20


def test_a_stop_answers_what_was_asked_and_then_refuses(serve: Serve) -> None:
    hub = serve(workers=2)
    stopping = threading.Event()

    def stop() -> None:
        time.sleep(1)
        hub.process.terminate()
        assert hub.process.wait(60) == 0

    assert under_load(hub, threading.Thread(target=stop), stopping, gone_is_fine=True) > 10


def test_the_folder_of_the_metrics_goes_with_the_server(serve: Serve) -> None:
    hub = serve()
    hub.get()
    maps = Path(f"/proc/{hub.workers()[0]}/maps").read_text()
    folders = {line.split()[-1].rpartition("/")[0] for line in maps.splitlines() if "scamfeed-metrics-" in line}
    assert len(folders) == 1
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    assert not any(Path(folder).exists() for folder in folders)
