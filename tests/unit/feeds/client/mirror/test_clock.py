"""The hub's time, read from its responses, and the period in which a copy is current."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from feeds.client.mirror import clock
from feeds.client.mirror.clock import MOST_APART, MOST_SET, NEVER, ClockReader, HubClock, LocalMoment

HOUR = 3_600_000
HERE = LocalMoment(1_000 * HOUR, 50 * HOUR)


@pytest.fixture(autouse=True)
def boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "this_boot", lambda: "a")


def read(ahead: int = 0, boot: str = "a") -> HubClock:
    return HubClock(ahead, HERE.wall, HERE.steady, boot)


def later(wall: int, steady: int | None = None) -> LocalMoment:
    return LocalMoment(HERE.wall + wall, HERE.steady + (wall if steady is None else steady))


def is_current(found: HubClock, here: LocalMoment, as_of: int = 0) -> bool:
    return found.current_while(HERE.wall + found.ahead + as_of, HOUR).includes(here)


@pytest.mark.parametrize("boot", ["a", "b", ""])
def test_copy_is_current_up_to_its_maximum_age(boot: str) -> None:
    found = read(boot=boot)
    assert [is_current(found, later(age)) for age in (0, HOUR, HOUR + 1)] == [True, True, False]
    assert found.current_while(None, HOUR) is NEVER


@pytest.mark.parametrize("ahead", [-10 * 60_000, 10 * 60_000])
@pytest.mark.parametrize("boot", ["a", "b"])
def test_clock_of_the_hub_counts_if_ours_is_wrong(ahead: int, boot: str) -> None:
    found = read(ahead, boot)
    assert found.now(later(60_000)) == HERE.wall + ahead + 60_000
    assert [is_current(found, later(age)) for age in (0, HOUR, HOUR + 1)] == [True, True, False]


def test_a_clock_that_is_set_changes_no_time_and_ends_every_copy() -> None:
    found = read()
    for step in (-MOST_SET - 1, MOST_SET + 1, -HOUR, HOUR):
        assert found.now(later(1_000 + step, 1_000)) == HERE.wall + 1_000
        assert not is_current(found, later(1_000 + step, 1_000))
    for step in (-MOST_SET, MOST_SET):
        assert is_current(found, later(1_000 + step, 1_000))


def test_steady_clock_going_backwards_ends_every_copy() -> None:
    assert not is_current(read(), later(-HOUR))


def test_a_clock_that_was_set_back_before_a_start_ends_every_copy() -> None:
    found = read(boot="b")
    assert not is_current(found, later(-MOST_SET - 1), as_of=-HOUR // 2)
    assert is_current(found, later(1_000, -HOUR), as_of=-HOUR // 2)


@pytest.mark.parametrize("ahead", [MOST_APART + 1, -MOST_APART - 1])
def test_clocks_far_apart_end_every_copy(ahead: int) -> None:
    assert read(ahead).current_while(HERE.wall, HOUR) is NEVER


def test_clock_reading_survives_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(5 * 60_000, "b")
    monkeypatch.setattr(clock, "moment", lambda: later(60_000, -HERE.steady))
    assert found.carried() == HubClock(5 * 60_000, HERE.wall + 60_000, 0, "a")
    monkeypatch.setattr(clock, "moment", lambda: later(-HOUR, -HERE.steady))
    assert found.carried() == found
    assert read().carried() == read()
    assert HubClock().carried() == HubClock()


def answered(date: str, seconds: float = 0.01) -> requests.Response:
    response = requests.Response()
    response.headers["Date"] = date
    response.elapsed = timedelta(seconds=seconds)
    return response


def reading(*answers: requests.Response) -> ClockReader:
    reader, session = ClockReader(), requests.Session()
    reader.watch(session)
    for response in answers:
        for hook in session.hooks["response"]:
            hook(response)
    return reader


def date(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + ahead, usegmt=True)


@pytest.mark.parametrize("minutes", [-10, -1, 1, 4, 10])
def test_a_hub_s_clock_is_read_to_the_second(minutes: int) -> None:
    ahead = reading(answered(date(timedelta(minutes=minutes)))).read().ahead
    assert abs(ahead - minutes * 60_000) < 1_500


@pytest.mark.parametrize("seconds", [-4, 0, 4])
def test_clocks_within_tolerance_are_equal(seconds: int) -> None:
    assert reading(answered(date(timedelta(seconds=seconds)))).read().ahead == 0
    assert reading(answered(date(timedelta(seconds=seconds)), seconds=30)).read().ahead == 0


@pytest.mark.parametrize("text", ["", "soon", "Mon, 99 Foo 2026 00:00:00 GMT", "Sun, 06 Nov 99999 08:49:37 GMT"])
def test_malformed_date_is_ignored(text: str) -> None:
    assert reading(answered(text)).read().ahead == 0


def test_time_stated_by_the_hub_is_a_lower_bound() -> None:
    reader = reading()
    now = clock.moment().wall
    reader.note_since(now - HOUR)
    assert reader.read().ahead == 0
    reader.note_since(now + 600_000)
    assert abs(reader.read().ahead - 600_000) < 1_000
