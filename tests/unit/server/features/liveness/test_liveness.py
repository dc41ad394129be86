"""Listed names that are gone or have a new owner, in a scripted world of DNS and RDAP."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas import timestamp
from schemas.request import Request, RequestAnswer
from server.cli.program import app
from server.features.liveness import records
from server.features.liveness.job import SYSTEM, LivenessThread, Observation, updated
from server.features.liveness.operations import RecordBack, RecordGone
from server.features.liveness.records import LiveHost, LiveValue
from server.features.registries import changes
from server.features.requests import desk as requests_desk, records as requests
from server.operations.run import run
from server.release.hub import Hub
from server.release.retract import retract
from server.settings import Settings
from server.store import listings, log, partners, reviews
from tests.registries import Registries, abuse_desk
from tests.unit.server.features.dispatch.conftest import (
    HOUR,
    REGISTRAR,
    Report,
    begin as begin,
    hub as hub,
    mail_server as mail_server,
    registries as registries,
    report as report,
    settings as settings,
)

NAME = "scam-shop.com"
DAY = 24 * HOUR
EPOCH = datetime.fromtimestamp(0, UTC)


@pytest.fixture
def thread(hub: Hub, settings: Settings) -> LivenessThread:
    return LivenessThread(hub, settings)


@pytest.fixture(autouse=True)
def contacted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The addresses to which this process sends anything, as the socket sees them."""
    found: set[str] = set()
    connect, sendto = socket.socket.connect, socket.socket.sendto

    def watched_connect(self: socket.socket, address: Any) -> None:
        found.add(str(address[0]))
        connect(self, address)

    def watched_sendto(self: socket.socket, *given: Any) -> int:
        found.add(str(given[-1][0]))
        return sendto(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", watched_connect)
        patch.setattr(socket.socket, "sendto", watched_sendto)
        yield found


def pass_hours(thread: LivenessThread, begin: int, first: int, last: int) -> None:
    """Let a step run every half an hour."""
    for half in range(2 * first, 2 * last + 1):
        at = begin + half * HOUR // 2
        with timestamp.frozen_at(EPOCH + timedelta(microseconds=at)):
            thread.step(at)


def is_listed(hub: Hub, subject: str = f"domain:{NAME}") -> bool:
    with hub.store.read() as tx:
        found = log.latest_everywhere(tx, listings.ids(tx, subject))
    return any(not item.revoked for items in found.values() for item in items.values())


def host(hub: Hub) -> LiveHost:
    with hub.store.read() as tx:
        found = records.find_host(tx, NAME)
    assert found is not None
    return found


def test_reregistered_name_ends_within_a_day(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int, contacted: set[str]
) -> None:
    registries.domain(NAME, abuse_desk("Registrar", REGISTRAR))
    report("domain", NAME)
    report("url", f"https://{NAME}/login")
    pass_hours(thread, begin, 0, 3)
    assert is_listed(hub)
    moment = EPOCH + timedelta(microseconds=begin + 3 * HOUR)
    registries.domain(NAME, abuse_desk("Registrar", REGISTRAR), registered=timestamp.text(moment))
    pass_hours(thread, begin, 4, 24)
    assert not is_listed(hub)
    assert not is_listed(hub, f"url:https://{NAME}/login")
    with hub.store.read() as tx:
        waiting = [review for review in reviews.all_reviews(tx, "open", limit=99) if review.rule == "new-owner"]
        assert len(records.ended(tx, 9)) == 2
    assert len(waiting) == 6
    # The listed name has the address 192.0.2.7.
    assert contacted == {"127.0.0.1"}


@pytest.mark.parametrize("hour", [49, 60, 71])
def test_old_listing_of_a_reregistered_name_ends_within_a_day(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int, hour: int
) -> None:
    registries.domain(NAME, abuse_desk("Registrar", REGISTRAR))
    report("domain", NAME)
    pass_hours(thread, begin, 0, hour)
    assert is_listed(hub)
    moment = EPOCH + timedelta(microseconds=begin + hour * HOUR)
    registries.domain(NAME, abuse_desk("Registrar", REGISTRAR), registered=timestamp.text(moment))
    pass_hours(thread, begin, hour, hour + 24)
    assert not is_listed(hub)


def test_report_after_the_registration_keeps_the_listing(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    before = timestamp.text(EPOCH + timedelta(microseconds=begin - HOUR))
    registries.domain(NAME, abuse_desk("Registrar", REGISTRAR), registered=before)
    report("domain", NAME)
    pass_hours(thread, begin, 0, 26)
    assert is_listed(hub)


def test_gone_after_two_observations_and_back_after_two(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME)
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 1)
    assert (host(hub).seen, host(hub).gone) == ("gone", None)
    pass_hours(thread, begin, 2, 3)
    gone = host(hub).gone
    assert gone is not None
    assert begin <= gone <= begin + 2 * HOUR
    registries.names[NAME] = "192.0.2.7"
    pass_hours(thread, begin, 4, 30)
    assert host(hub).gone is None
    assert is_listed(hub)


@pytest.mark.parametrize("status", ["client hold", "server hold", "clientHold"])
def test_hold_of_the_registration_is_gone(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int, status: str
) -> None:
    registries.domain(NAME, status=["active", status])
    report("domain", NAME)
    pass_hours(thread, begin, 0, 3)
    assert host(hub).gone is not None


def test_flapping_changes_nothing(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME)
    asked = 0
    for half in range(60):
        # The name comes and goes with each question.
        if registries.asked.count(f"dns:{NAME}") > asked:
            asked = registries.asked.count(f"dns:{NAME}")
            if NAME in registries.names:
                del registries.names[NAME]
            else:
                registries.names[NAME] = "192.0.2.7"
        thread.step(begin + half * HOUR // 2)
        assert host(hub).gone is None
    assert asked > 10
    assert is_listed(hub)


def test_servers_that_fail_change_nothing(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME)
    registries.dns_fault, registries.fault = True, 500
    pass_hours(thread, begin, 0, 5)
    assert (host(hub).seen, host(hub).gone, host(hub).checks) == (None, None, 0)


def test_delisted_name_is_not_asked_about(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME)
    thread.step(begin)
    with hub.store.begin() as tx:
        retract(hub, tx, NAME)
    pass_hours(thread, begin, 1, 26)
    assert f"dns:{NAME}" not in registries.asked
    with hub.store.read() as tx:
        assert records.count_hosts(tx) == 0


def test_checks_follow_the_schedule() -> None:
    at, checked = LiveHost(NAME, 0, 0, HOUR), []
    for _ in range(6):
        moment = at.next
        checked.append(moment)
        at = at._replace(**updated(at, Observation("there", None), moment))
    again = 22 * HOUR
    assert checked == [HOUR, 6 * HOUR, DAY, DAY + again, DAY + 2 * again, DAY + 3 * again]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"objectClassName": "domain", "handle": ' + b"1" * 5_000 + b"}",
        {"entities": [{**abuse_desk("Registrar", form="https://[registrar.example/"), "roles": ["registrar"]}]},
    ],
)
def test_unreadable_answer_of_one_registry_delays_no_other_name(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int, answer: Any
) -> None:
    registries.domain("another-shop.com")
    registries.domain(NAME)
    registries.rdap["/domain/another-shop.com"] = answer
    report("domain", "another-shop.com")
    report("domain", NAME)
    pass_hours(thread, begin, 0, 3)
    assert host(hub).checks > 0


def test_registration_in_the_future_ends_no_listing(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME, registered=timestamp.text(EPOCH + timedelta(microseconds=begin + 400 * DAY)))
    report("domain", NAME)
    pass_hours(thread, begin, 0, 26)
    assert is_listed(hub)


def test_host_of_many_values_is_recorded_as_gone(
    hub: Hub,
    thread: LivenessThread,
    report: Report,
    registries: Registries,
    begin: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.features.liveness.job.MOST_VALUES", 2)
    monkeypatch.setitem(registries.names, NAME, "192.0.2.7")
    ids = []
    for number in range(5):
        report("url", f"https://{NAME}/{number}")
        ids.append(ask(hub, f"https://{NAME}/{number}"))
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 3)
    assert host(hub).gone is not None
    assert [steps(hub, id_)[-1] for id_ in ids] == [("done", "hub", "already-gone")] * 5


def ask(hub: Hub, value: str = f"https://{NAME}/login", *, kind: str = "url", asks: str = "take-down") -> str:
    """Let a bank ask a platform to take something down, and return the id of the request."""
    given: dict[str, Any] = {
        "reporter": "First Bank",
        "reported_at": timestamp.now(),
        "asks": asks,
        "of": f"{kind}:{value}",
        "location": value,
        "basis": "notice",
        "reference": f"T-{value}",
        "explanation": ["obtains-money"],
        "addressee": "Second Bank",
    }
    with hub.store.begin() as tx:
        sender = partners.get(tx, "First Bank")
        return requests_desk.send(hub, tx, sender, Request.model_validate(given)).view.id


def respond(hub: Hub, id_: str, response: str) -> None:
    """Let the platform respond."""
    given = {"reporter": "Second Bank", "reported_at": timestamp.now(), "request": id_, "response": response}
    with hub.store.begin() as tx:
        requests_desk.send(hub, tx, partners.get(tx, "Second Bank"), RequestAnswer.model_validate(given))


def steps(hub: Hub, id_: str) -> list[tuple[str, str, str | None]]:
    """Return the state, the actor and the response of each step of a request."""
    with hub.store.read() as tx:
        return [(step.state, step.by, step.response) for step in requests.steps(tx, [id_])[id_]]


OPEN, GONE, AGAIN = ("open", "sender", None), ("done", "hub", "already-gone"), ("open", "hub", None)


def test_request_about_a_name_that_exists_again_is_asked_again(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("url", f"https://{NAME}/login")
    asked = ask(hub)
    answered = ask(hub, f"https://{NAME}/pay")
    report("url", f"https://{NAME}/pay")
    respond(hub, answered, "removed")
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 3)
    assert steps(hub, asked) == [OPEN, GONE]
    registries.names[NAME] = "192.0.2.7"
    pass_hours(thread, begin, 4, 30)
    assert steps(hub, asked) == [OPEN, GONE, AGAIN]
    assert steps(hub, answered)[-1] == ("done", "addressee", "removed")
    with hub.store.read() as tx:
        stored = requests.find(tx, [asked])[asked]
    assert (stored.state, stored.response, stored.responded_at) == ("open", None, None)
    assert stored.deadline > begin + 4 * HOUR


def test_answer_already_gone_counts_until_the_name_returns(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("url", f"https://{NAME}/login")
    report("url", f"https://{NAME}/pay")
    before, while_gone = ask(hub), ask(hub, f"https://{NAME}/pay")
    with timestamp.frozen_at(EPOCH + timedelta(microseconds=begin + HOUR // 4)):
        respond(hub, before, "already-gone")
    # The hub has not asked about the name yet.
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 1)
    with timestamp.frozen_at(EPOCH + timedelta(microseconds=begin + 5 * HOUR // 4)):
        respond(hub, while_gone, "already-gone")
    pass_hours(thread, begin, 2, 3)
    registries.names[NAME] = "192.0.2.7"
    pass_hours(thread, begin, 4, 30)
    assert steps(hub, before) == [OPEN, ("done", "addressee", "already-gone"), AGAIN]
    assert steps(hub, while_gone) == [OPEN, ("done", "addressee", "already-gone"), AGAIN]


@pytest.mark.parametrize(
    ("asks", "is_gone", "is_asked_again"),
    [("suspend", False, True), ("suspend", True, False), ("take-down", False, False)],
)
def test_answer_that_a_domain_is_suspended_already_is_verified(
    hub: Hub,
    thread: LivenessThread,
    report: Report,
    registries: Registries,
    begin: int,
    asks: str,
    is_gone: bool,
    is_asked_again: bool,
) -> None:
    registries.domain(NAME, status=["client hold"] if is_gone else ["active"])
    report("domain", NAME)
    pass_hours(thread, begin, 0, 2)
    asked = ask(hub, NAME, kind="domain", asks=asks)
    respond(hub, asked, "already-gone")
    pass_hours(thread, begin, 3, 26)
    answered = [OPEN, ("done", "addressee", "already-gone")]
    assert steps(hub, asked) == ([*answered, AGAIN] if is_asked_again else answered)


def test_name_that_comes_and_goes_for_months_is_asked_again_ten_times(hub: Hub, report: Report, begin: int) -> None:
    report("url", f"https://{NAME}/login")
    asked, subject = ask(hub), f"url:https://{NAME}/login"
    for _ in range(13):
        run(hub, RecordGone(subjects=(subject,)), SYSTEM)
        run(hub, RecordBack(subjects=(subject,)), SYSTEM)
    assert steps(hub, asked).count(AGAIN) == 10
    assert steps(hub, asked)[-1] == GONE


class Killed(BaseException):
    """The process ended."""


@contextmanager
def killed_at(place: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the thread of liveness end when it reaches a place in its code, as by a kill."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"server.features.liveness.job.{place}", kill)
        with pytest.raises(Killed):
            yield


@pytest.mark.parametrize("place", ["records.change", "run"])
def test_crash_between_the_acts_and_the_fact_loses_neither(
    hub: Hub,
    thread: LivenessThread,
    report: Report,
    registries: Registries,
    begin: int,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    registries.domain(NAME)
    report("url", f"https://{NAME}/login")
    asked = ask(hub)
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 1)
    with killed_at(place, monkeypatch):
        pass_hours(thread, begin, 2, 3)
    assert host(hub).gone is None
    assert steps(hub, asked) == ([OPEN, GONE] if place == "records.change" else [OPEN])
    pass_hours(thread, begin, 4, 5)
    assert host(hub).gone is not None
    assert steps(hub, asked) == [OPEN, GONE]


def test_request_is_asked_again_if_the_name_returns_after_a_crash(
    hub: Hub,
    thread: LivenessThread,
    report: Report,
    registries: Registries,
    begin: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registries.domain(NAME)
    report("url", f"https://{NAME}/login")
    asked = ask(hub)
    del registries.names[NAME]
    pass_hours(thread, begin, 0, 1)
    with killed_at("records.change", monkeypatch):
        pass_hours(thread, begin, 2, 3)
    registries.names[NAME] = "192.0.2.7"
    pass_hours(thread, begin, 4, 9)
    assert host(hub).gone is None
    assert steps(hub, asked) == [OPEN, GONE, AGAIN]


def asked_about(registries: Registries) -> list[str]:
    return [asked for asked in registries.asked if NAME in asked]


@pytest.mark.parametrize("private", [False, True])
def test_names_outside_the_public_list_are_asked_about_only_by_choice(
    hub: Hub, settings: Settings, report: Report, registries: Registries, begin: int, private: bool
) -> None:
    thread = LivenessThread(hub, settings.model_copy(update={"liveness_private": private}))
    registries.domain(NAME)
    report("domain", NAME, tlp="green")
    pass_hours(thread, begin, 0, 3)
    assert is_listed(hub)
    assert bool(asked_about(registries)) is private


def test_followed_name_that_left_the_public_list_is_no_longer_asked_about(
    hub: Hub, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME, tlp="green")
    with hub.store.begin() as tx:
        [listing] = listings.ids(tx, f"domain:{NAME}")
        records.put_value(tx, LiveValue(f"domain:{NAME}", NAME, begin, None, listing), begin + HOUR)
    pass_hours(thread, begin, 0, 26)
    assert not asked_about(registries)
    with hub.store.read() as tx:
        assert records.find_host(tx, NAME) is None


def test_names_that_were_listed_before_are_followed_by_choice(
    hub: Hub, settings: Settings, thread: LivenessThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.domain(NAME)
    report("domain", NAME)
    report("url", f"https://{NAME}/login")
    report("phone", "+66812345678", tlp="green")
    with hub.store.begin() as tx:
        retract(hub, tx, f"https://{NAME}/login")
        changes.done(tx, records.READER, changes.noted(tx, records.READER, 9))
    pass_hours(thread, begin, 0, 2)
    assert not asked_about(registries)
    arguments = ["liveness", "follow", "--by", "Anong", "--json"]
    environment = {"SCAMFEED_DATABASE_URL": settings.database_url}
    refused = CliRunner().invoke(app, arguments, env=environment)
    assert "set dns_servers first" in refused.output
    environment["SCAMFEED_DNS_SERVERS"] = json.dumps(settings.dns_servers)
    done = CliRunner().invoke(app, arguments, env=environment)
    assert json.loads(done.stdout) == {"values": 2}
    pass_hours(thread, begin, 3, 5)
    assert asked_about(registries)
    with hub.store.read() as tx:
        assert [value.subject for value in records.of_host(tx, NAME)] == [f"domain:{NAME}"]
