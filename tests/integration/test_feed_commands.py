"""``scamfeed feed`` shows operators the feeds and lets them act on them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from server.observe.collectors import StoreCollector
from server.store import Store, audit, collections, feed_state
from tests.integration.command import Run, answer

DROP = '[[feed]]\nname = "drop"\nconnector = "file-pull"\nevery = "5m"\npath = "drop"\ncontribute_as = "First Bank"\n'


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    """Make a hub with one bank and a feed from a folder."""
    assert run_with_store("partner", "add", "First Bank", "--kind", "bank", "--read", "takedown").exit_code == 0
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.txt").write_text("bad.example.com\nwhat is this\n", encoding="utf-8")
    (tmp_path / "scamfeed.toml").write_text(DROP, encoding="utf-8")
    return run_with_store


@pytest.fixture
def store(hub: Run) -> Iterator[Store]:
    opened = Store.open("sqlite:///scamfeed.db")
    yield opened
    opened.close()


def test_list_shows_the_state_of_a_feed(hub: Run) -> None:
    before = answer(hub("feed", "list", "--json"))[0]
    assert (before["runs"], before["breaker"], before["lag_seconds"]) == (0, "closed", None)
    assert before["next_run"] is not None
    ran = answer(hub("feed", "run", "drop", "--json"))
    assert (ran["read"], ran["reasons"]) == (2, {"kind-not-recognised": 1})
    after = answer(hub("feed", "list", "--json"))[0]
    assert (after["runs"], after["read"], after["dead_letters"], after["runs_on"]) == (1, 2, 0, None)
    assert after["next_run"] > after["last_run"]
    assert after["lag_seconds"] < 60


def test_contributions_of_a_pull_are_in_the_audit_trail(hub: Run, store: Store) -> None:
    answer(hub("feed", "run", "drop", "--by", "Anna", "--json"))
    with store.read() as tx:
        entries = [(event.remote, event.method, event.partner) for _, _, event, _ in audit.tail(tx, 10)]
    assert ("Anna", "RUN", None) in entries
    assert ("feed drop", "PULL", "First Bank") in entries


def test_list_can_be_a_table(hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    hub("feed", "run", "drop")
    result = hub("feed", "list")
    assert result.exit_code == 0
    assert [word in result.stdout for word in ("drop", "file-pull", "s ago", "in ", "closed")] == [True] * 5


def test_list_breaks_no_word_on_a_narrow_terminal(hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    hub("feed", "run", "drop")
    shown = hub("feed", "list").stdout
    assert {"drop", "file-pull", "accepted", "rejected", "breaker", "closed"} <= {
        word.rstrip(":") for word in shown.split()
    }
    assert max(map(len, shown.splitlines())) <= 80


def test_run_shows_refused_items(hub: Run, tmp_path: Path) -> None:
    file = tmp_path / "rejects.jsonl"
    assert hub("feed", "run", "drop", "--dry-run", "--rejects", str(file)).exit_code == 0
    (rejected,) = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert (rejected["line"], rejected["reason"]) == (2, "kind-not-recognised")
    assert rejected["raw"]
    assert rejected["message"]
    refused = hub("feed", "run", "drop", "--rejects", str(tmp_path / "no" / "rejects.jsonl"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr


def test_stopped_feed_is_shown_without_a_next_run(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "drop" / "a.txt").unlink()
    (tmp_path / "drop").rmdir()
    assert hub("feed", "run", "drop").exit_code == 1
    stopped = answer(hub("feed", "list", "--json"))[0]
    assert (stopped["breaker"], stopped["next_run"]) == ("stopped", None)
    assert "drop does not exist" in stopped["error"]
    assert answer(hub("feed", "retry", "drop", "--json"))["error"] is None
    assert answer(hub("feed", "list", "--json"))[0]["next_run"] is not None


def test_dead_letters_are_tried_again(hub: Run, store: Store) -> None:
    with store.begin() as tx:
        body = b'[{"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "http://x.example/"}]'
        feed_state.add_dead_letter(tx, "drop", "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", body, "KeyError")
    assert answer(hub("feed", "list", "--json"))[0]["dead_letters"] == 1
    tried = answer(hub("feed", "retry", "drop", "--all", "--json"))
    assert (tried["tried"], tried["settled"], tried["failed"]) == (1, 1, 0)
    assert answer(hub("feed", "list", "--json"))[0]["dead_letters"] == 0


def test_two_feeds_of_one_name_are_refused(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "scamfeed.toml").write_text(DROP + DROP, encoding="utf-8")
    result = hub("feed", "list")
    assert result.exit_code == 2
    assert "feed drop: name: two feeds have it" in result.stderr


def test_metrics_show_the_state_of_feeds(hub: Run, store: Store) -> None:
    answer(hub("feed", "run", "drop", "--json"))
    with store.begin() as tx:
        room = collections.get(tx, "takedown")
        feed_state.save_checkpoint(tx, "push", {"collection": room.id, "after": -1})
        feed_state.save_state(tx, feed_state.FeedState("push", failures=4, retry_at=1 << 60, runs=5, failed=4))
        feed_state.add_dead_letter(tx, "push", "indicator--1", b"", "KeyError")
    registry = CollectorRegistry()
    registry.register(StoreCollector(store))
    page = generate_latest(registry).decode()
    for line in (
        'scamfeed_feed_runs_total{ending="well",feed="drop"} 1.0',
        'scamfeed_feed_runs_total{ending="badly",feed="push"} 4.0',
        'scamfeed_feed_items_total{feed="drop",what="accepted"} 1.0',
        'scamfeed_feed_items_total{feed="drop",what="rejected"} 1.0',
        'scamfeed_feed_breaker{feed="drop",state="closed"} 1.0',
        'scamfeed_feed_breaker{feed="push",state="open"} 1.0',
        'scamfeed_feed_breaker{feed="push",state="closed"} 0.0',
        'scamfeed_feed_dead_letters{feed="push"} 1.0',
        'scamfeed_feed_running{feed="drop"} 0.0',
    ):
        assert line in page.splitlines()
    lag = next(line for line in page.splitlines() if line.startswith('scamfeed_feed_lag_seconds{feed="push"}'))
    assert float(lag.split()[1]) > 1e9


@pytest.fixture
def scheduler(hub: Run, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "server.cli", "feed", "schedule", "--with-parent"]
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    with (tmp_path / "log").open("wb") as out:
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=os.environ | path)
    yield running
    if running.poll() is None:
        running.kill()
    running.wait(60)
    assert running.stdin is not None
    running.stdin.close()


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.long
def test_changed_configuration_is_reloaded_and_an_invalid_one_ignored(
    hub: Run, store: Store, scheduler: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    def runs() -> dict[str, int]:
        with store.read() as tx:
            return {feed: state.runs for feed, state in feed_state.all_states(tx).items()}

    eventually(lambda: runs() == {"drop": 1})
    (tmp_path / "scamfeed.toml").write_text(DROP + "colour = 'red'\n", encoding="utf-8")
    eventually(lambda: "configuration rejected, the old one stays in force" in (tmp_path / "log").read_text())
    assert "colour: no such setting" in (tmp_path / "log").read_text()
    second = DROP.replace('"drop"\nconnector', '"second"\nconnector')
    (tmp_path / "scamfeed.toml").write_text(DROP + second, encoding="utf-8")
    eventually(lambda: runs() == {"drop": 1, "second": 1})
    scheduler.terminate()
    assert scheduler.wait(60) == 0


@pytest.mark.long
def test_a_scheduler_ends_with_the_server_that_started_it(store: Store, scheduler: subprocess.Popen[bytes]) -> None:
    def has_run() -> bool:
        with store.read() as tx:
            return "drop" in feed_state.all_states(tx)

    eventually(has_run)
    assert scheduler.stdin is not None
    scheduler.stdin.close()
    assert scheduler.wait(60) == 0
