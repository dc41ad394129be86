"""Webhooks get each near or past deadline once, in one signed message an hour at most."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from standardwebhooks import Webhook

from schemas import timestamp
from server.features.reminders import choices, due, outbox
from server.features.reminders.job import HookThread
from server.features.requests import desk, records as requests
from server.release.hub import Hub
from server.settings import BadConfiguration, Settings
from server.store import listings, partners
from server.store.database.times import micros
from server.store.operators.users import OperatorRole
from server.store.providers import kept_accounts
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.operations.examples_of_findings import PROVIDER, report_account
from tests.operators_desk import DISPUTED, INSTITUTION, OBJECTED, SENDER, request_of
from tests.unit.server.features.reminders.conftest import HOUR, MINUTE, is_empty
from tests.unit.server.web.shell.people import visitor_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver(HttpPeer):
    """Checks signatures, and answers with ``status``."""

    status: int = 200
    ids: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        message = Webhook(SECRET).verify(asked.body, dict(asked.headers))
        self.ids.append(asked.headers["webhook-id"])
        self.bodies.append(asked.body)
        if self.status == 200:
            self.messages.append(message)
        return Said(self.status, {})

    def events(self, party: str = "") -> list[dict[str, Any]]:
        """Return all events of the accepted messages; with ``party``, those whose page is below that path."""
        found = [event for message in self.messages for event in message["data"]["events"]]
        return [event for event in found if event["page"].startswith(f"https://hub.example{party}")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    peer = Receiver()
    with serving(peer):
        yield peer


@pytest.fixture
def hook_settings(receiver: Receiver, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    to_here = {"url": f"{receiver.url}hook", "secret": {"env": "HOOK_SECRET"}, "allow_private": True}
    return Settings(
        database_url=hub.store.url,
        public_url="https://hub.example",
        reminder_hook=[to_here, {**to_here, "partner": INSTITUTION}],
    )


@pytest.fixture
def hooks(hub: Hub, hook_settings: Settings) -> HookThread:
    return HookThread(hub.store, hook_settings)


def test_each_deadline_is_told_once(hooks: HookThread, receiver: Receiver, begin: int, hub: Hub) -> None:
    with hub.store.read() as tx:
        [request] = [found for found in requests.all_requests(tx, most=9) if found.addressee == INSTITUTION]
    for hours in (*range(30), 24 * 7):
        hooks.step(begin + hours * HOUR)
    of_bank = receiver.events("/partner/")
    assert [event["event"] for event in of_bank] == ["request-near", "request-overdue", "request-escalated"]
    assert {event["id"] for event in of_bank} == {request.id}
    assert {micros(timestamp.parse(event["due"])) for event in of_bank} == {request.deadline}
    assert {event["page"] for event in of_bank} == {f"https://hub.example/partner/requests/{request.id}"}
    of_operators = [(event["event"], event["id"]) for event in receiver.events("/console/")]
    assert len(of_operators) == len(set(of_operators))
    assert {"objection-overdue", "objection-near", "review-waiting", "request-unanswered"} <= {
        event for event, _ in of_operators
    }
    assert is_empty(hub.store)


def test_finding_is_named_by_its_listing(receiver: Receiver, begin: int, hub: Hub, hook_settings: Settings) -> None:
    report_account(hub)
    table = {**hook_settings.reminder_hook[1], "partner": PROVIDER}
    thread = HookThread(hub.store, hook_settings.model_copy(update={"reminder_hook": [table]}))
    for hours in range(8):
        thread.step(begin + hours * HOUR)
    with hub.store.read() as tx:
        [kept] = kept_accounts.find(tx, PROVIDER)
        [listing] = listings.find(tx, [kept.subject])[kept.subject][listings.track_of_provider(PROVIDER)]
    events = receiver.events("/partner/accounts")
    assert [event["event"] for event in events] == ["finding-near", "finding-overdue"]
    assert {event["id"] for event in events} == {listing}
    assert "4567890123" not in b"".join(receiver.bodies).decode()


def test_one_message_an_hour_for_each_address(hooks: HookThread, receiver: Receiver, begin: int, hub: Hub) -> None:
    for minutes in range(1, 60, 10):
        at = timestamp.now() + timedelta(hours=1)
        with hub.store.begin() as tx:
            new = request_of(f"N-{minutes}", INSTITUTION).model_copy(update={"deadline": at})
            desk.send(hub, tx, partners.get(tx, SENDER), new)
        hooks.step(begin + minutes * MINUTE)
    of_bank = [message for message in receiver.messages if "/partner/" in message["data"]["events"][0]["page"]]
    assert len(of_bank) == 1
    hooks.step(begin + HOUR + MINUTE)
    # Those of the first hour that the first message could not name follow in the next.
    assert len(receiver.events("/partner/")) >= 6


def test_a_message_has_no_value_no_case_and_no_partner(hooks: HookThread, receiver: Receiver, begin: int) -> None:
    hooks.step(begin + 30 * HOUR)
    assert receiver.events("/partner/")
    written = b"".join(receiver.bodies).decode()
    for secret in (DISPUTED, OBJECTED, "1234567890", "C-1", "Bank", "800000", "KKB"):
        assert secret not in written


def test_unreached_address_gets_the_same_message_later(
    hooks: HookThread, receiver: Receiver, begin: int, hub: Hub
) -> None:
    receiver.status = 503
    begin += 6 * HOUR
    hooks.step(begin)
    assert receiver.messages == []
    receiver.status = 200
    hooks.step(begin + 4 * MINUTE)
    assert len(receiver.messages) == 2
    assert sorted(receiver.ids[:2]) == sorted(receiver.ids[2:])
    assert sorted(receiver.bodies[:2]) == sorted(receiver.bodies[2:])
    assert is_empty(hub.store)


def test_refused_message_is_not_repeated_and_shown_to_operators(
    hooks: HookThread, receiver: Receiver, begin: int, hub: Hub, hook_settings: Settings, app_of_hub: Flask
) -> None:
    receiver.status = 422
    begin += 6 * HOUR
    hooks.step(begin)
    hooks.step(begin + 30 * MINUTE)
    assert len(receiver.ids) == 2
    with hub.store.read() as tx:
        assert {mail.error for mail in outbox.latest(tx, "failed", 9)} == {"hook-refused"}
    assert "refused the message" in visitor_of(app_of_hub, OperatorRole.VIEWER).get("/console/mail").text


def test_two_nodes_post_each_message_once(hooks: HookThread, receiver: Receiver, begin: int, hub: Hub) -> None:
    other = HookThread(hub.store, hooks._settings)
    nodes = [threading.Thread(target=node.step, args=(begin + 6 * HOUR,)) for node in (hooks, other)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()
    assert len(receiver.ids) == len(set(receiver.ids)) == 2


def test_departed_partner_gets_no_message(hooks: HookThread, receiver: Receiver, begin: int, hub: Hub) -> None:
    with hub.store.begin() as tx:
        partners.remove(tx, INSTITUTION)
    hooks.step(begin + 6 * HOUR)
    assert receiver.events("/console/")
    assert receiver.events("/partner/") == []


def test_more_than_a_message_names_is_said(
    hooks: HookThread, receiver: Receiver, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "MOST", 1)
    hooks.step(begin + 6 * HOUR)
    assert all(message["data"]["more"] for message in receiver.messages)


def test_told_moments_of_hooks_stay_when_removed_users_are_forgotten(hooks: HookThread, begin: int, hub: Hub) -> None:
    hooks.step(begin + 6 * HOUR)
    with hub.store.begin() as tx:
        choices.store(tx, choices.Choices("removed", told=1))
        choices.forget_removed(tx)
        kept = set(choices.all_choices(tx))
    assert "removed" not in kept
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"url": "https://bank.example/x"}, "reminder_hook 1: secret: Field required"),
        ({"url": "ftp://bank.example", "secret": {"env": "X"}}, "reminder_hook 1: url"),
        ({"url": "https://bank.example/x", "secret": "whsec_plain"}, "the secret itself is not allowed here"),
        ({"url": "https://bank.example/x", "secret": {"env": "X"}, "color": "red"}, "reminder_hook 1: color"),
    ],
)
def test_wrong_table_is_named(hub: Hub, table: dict[str, Any], says: str) -> None:
    settings = Settings(database_url=hub.store.url, public_url="https://hub.example", reminder_hook=[table])
    with pytest.raises(BadConfiguration, match=says):
        HookThread(hub.store, settings)
