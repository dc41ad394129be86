"""A mirror that cannot tell whether a value is listed says so, and never reports it as unlisted."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.hub_client import SyncedCollection
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import load
from schemas import timestamp
from tests.integration.command import Run
from tests.integration.mirror.conftest import mirror_service
from tests.integration.mirror.fake_hub import FakeHub, serving
from tests.integration.mirror.test_several_hubs import graded

MINUTE = 60_000
NOBODY = "http://127.0.0.1:9/feed/"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with serving() as hub:
        hub.add(graded(0, "block"), graded(1, "step-up"), graded(2, "warn"), graded(3, "monitor"))
        hub.add(graded(4, "investigate"))
        yield hub


def write(tmp_path: Path, url: str, *hubs: str, max_age: str = "1h", words: str = "") -> Path:
    lines = ["[mirror]", f'max_age = "{max_age}"', 'every = "200ms"', "[actions]", words]
    for number, one in enumerate((url, *hubs)):
        lines += ["[[hub]]", f'name = "hub{number}"', f'url = "{one}"', 'collections = ["room"]']
        lines += ["allow_private = true", "retries = 0"]
    path = tmp_path / "mirror.toml"
    path.write_text("\n".join(lines))
    return path


def sync(config: Path) -> SyncedCollection:
    done = sync_once(load(config))[0]
    assert not done.error
    return done.collections[0]


def asked(config: Path, *numbers: int) -> list[tuple[str, bool]]:
    """Return the actions for values, and whether each is unknown."""
    with Mirror(config) as mirror:
        results = [mirror.check(f"h{number}.example.com", "domain") for number in numbers]
    return [(result.action, result.unknown) for result in results]


def test_current_copies_distinguish_listed_from_unlisted(fake: FakeHub, tmp_path: Path) -> None:
    config = write(tmp_path, fake.url)
    sync(config)
    assert asked(config, 0, 3, 9) == [("block", False), ("monitor", False), ("none", False)]


@pytest.mark.parametrize(("words", "word"), [("", "ask-again"), ('unknown = "wait"\nnone = "pay"', "wait")])
def test_mirror_without_a_sync_cannot_tell(tmp_path: Path, run: Run, words: str, word: str) -> None:
    config = write(tmp_path, NOBODY, words=words)
    assert asked(config, 0) == [(word, True)]
    result = run("check", "h0.example.com", "--mirror", str(config), "--json")
    assert result.exit_code == 75
    assert "scamfeed mirror sync" in result.stderr
    (found,) = json.loads(result.stdout)["results"]
    assert (found["found"], found["unknown"], found["stale"], found["action"]) == (False, True, True, word)
    # A failed sync creates the file without a copy.
    assert sync_once(load(config))[0].error
    assert asked(config, 0) == [(word, True)]
    result = run("check", "h0.example.com", "--mirror", str(config))
    assert (result.exit_code, word in result.stdout) == (75, True)
    assert "error of hub0" in result.stderr


def test_a_mirror_opened_before_the_first_sync_sees_it(fake: FakeHub, tmp_path: Path) -> None:
    config = write(tmp_path, fake.url)
    with Mirror(config) as mirror:
        assert (mirror.check("h0.example.com").action, mirror.is_there) == ("ask-again", False)
        sync(config)
        assert (mirror.check("h0.example.com").action, mirror.is_there) == ("block", True)
        assert mirror.check("h9.example.com").action == "none"


def test_too_old_copy_cannot_tell_and_still_protects(fake: FakeHub, tmp_path: Path, run: Run) -> None:
    sync(write(tmp_path, fake.url))
    config = write(tmp_path, fake.url, max_age="1ms")
    told = [("warn", False), ("step-up", False), ("warn", False)]
    assert asked(config, 0, 1, 2) == told
    # These would allow the payment although a newer listing may block it.
    assert asked(config, 3, 4, 9) == [("ask-again", True)] * 3
    for number, status in ((0, 0), (2, 0), (3, 75), (9, 75)):
        assert run("check", f"h{number}.example.com", "--mirror", str(config)).exit_code == status


def test_hub_without_a_copy_leaves_listings_of_the_others(fake: FakeHub, tmp_path: Path) -> None:
    config = write(tmp_path, fake.url, NOBODY)
    sync(config)
    assert asked(config, 0, 2, 3, 9) == [("block", False), ("warn", False), ("ask-again", True), ("ask-again", True)]
    sync(write(tmp_path, fake.url))
    assert asked(config, 9) == [("none", False)]
    assert asked(write(tmp_path, fake.url, NOBODY), 9) == [("ask-again", True)], "the settings name a hub since then"


@pytest.mark.parametrize("heartbeat", [None, "soon", ""])
def test_a_hub_without_a_heartbeat_makes_no_copy_younger(fake: FakeHub, tmp_path: Path, heartbeat: str | None) -> None:
    fake.heartbeat = heartbeat
    config = write(tmp_path, fake.url)
    synced = sync(config)
    assert (synced.digest, "heartbeat" in str(synced.error)) == ("equal", True)
    assert asked(config, 9) == [("ask-again", True)]
    fake.heartbeat = "now"
    assert sync(config).error is None
    assert asked(config, 9) == [("none", False)]


def test_copy_that_differs_from_its_hub_cannot_tell(fake: FakeHub, tmp_path: Path) -> None:
    fake.has_stream, fake.hidden, fake.hidden_for_ever = False, {graded(0, "block")["id"]}, True
    config = write(tmp_path, fake.url)
    assert sync(config).digest == "differs"
    assert asked(config, 0, 1) == [("ask-again", True), ("step-up", False)]


@pytest.mark.parametrize("minutes", [-10, -4, 4, 10])
def test_ends_follow_the_clock_of_the_hub(fake: FakeHub, tmp_path: Path, minutes: int) -> None:
    """A clock ten minutes off neither extends a block by ten minutes nor ends it ten minutes early."""
    fake.ahead = timedelta(minutes=minutes)
    for number, seconds in ((5, -20), (6, 20)):
        end = timestamp.text(fake.now() + timedelta(seconds=seconds))
        fake.add(graded(number, "block") | {"valid_until": end})
    config = write(tmp_path, fake.url)
    assert sync(config).digest == "equal"
    assert asked(config, 5, 6, 0) == [("none", False), ("block", False), ("block", False)]
    with Mirror(config) as mirror:
        (clock,) = mirror.state().clocks.values()
        assert abs(clock.ahead - minutes * MINUTE) < 2_000


@pytest.mark.parametrize("hours", [-2, 2])
def test_clocks_hours_apart_cannot_tell(fake: FakeHub, tmp_path: Path, hours: int) -> None:
    fake.ahead = timedelta(hours=hours)
    config = write(tmp_path, fake.url)
    assert "apart" in str(sync_once(load(config))[0].error)
    assert asked(config, 0, 9) == [("warn", False), ("ask-again", True)]


@pytest.mark.parametrize("minutes", [-70, -30, -4, 4, 30])
def test_clock_change_since_the_sync_cannot_tell_until_the_next_sync(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    config = write(tmp_path, fake.url)
    sync(config)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + minutes * 60)
    assert asked(config, 0, 9) == [("warn", False), ("ask-again", True)]
    if abs(minutes) < 60:
        sync(config)
        assert asked(config, 0, 9) == [("block", False), ("none", False)]


def over_http(url: str, number: int) -> tuple[str, bool]:
    answer = requests.post(url, json={"values": [{"value": f"h{number}.example.com"}]}, timeout=60)
    found: Any = answer.json()["results"][0]
    assert found["stale"] or not found.get("unknown")
    return found["action"], found.get("unknown", False)


@pytest.mark.parametrize("options", [(), ("--no-sync",)])
def test_service_without_a_sync_cannot_tell(tmp_path: Path, options: tuple[str, ...]) -> None:
    with mirror_service(write(tmp_path, NOBODY), *options) as url:
        assert over_http(url, 9) == ("ask-again", True)
        assert requests.get(url.replace("/check", "/health"), timeout=60).status_code == 503
        metrics = requests.get(url.replace("/check", "/metrics"), timeout=60).text
        assert 'scamfeed_mirror_checks_total{grade="unknown",stale="yes"} 1.0' in metrics


@pytest.mark.long
def test_service_without_syncs_uses_its_own_settings(fake: FakeHub, tmp_path: Path) -> None:
    """The copy was synced with other settings. The service's own settings apply."""
    config = write(tmp_path, fake.url, max_age="1h")
    sync(config)
    write(tmp_path, fake.url, max_age="3s", words='unknown = "wait"')
    with mirror_service(config, "--no-sync") as url:
        deadline = time.monotonic() + 60
        while over_http(url, 9) != ("wait", True):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert over_http(url, 0) == ("warn", False)
        sync_once(load(write(tmp_path, fake.url, max_age="1h")))
        assert over_http(url, 9) == ("none", False)
        assert over_http(url, 0) == ("block", False)
