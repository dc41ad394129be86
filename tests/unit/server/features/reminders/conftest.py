"""A hub with work, two people with addresses, and a mail server on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from server.app import close, create_app
from server.features.reminders import outbox
from server.features.reminders.job import ReminderThread
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.mail_server import MailServer
from tests.operators_desk import INSTITUTION

MINUTE = 60_000_000
HOUR = 60 * MINUTE
OPERATOR, BANKER = "anong@hub.example", "malee@bank.example"


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path).served() as server:
        yield server


@pytest.fixture
def settings(hub: Hub, mail_server: MailServer, tmp_path: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'hub.db'}",
        mail_host="localhost",
        mail_port=mail_server.port,
        mail_from="reminders@hub.example",
        mail_ca_file=mail_server.certificate,
        public_url="https://hub.example",
        country="",
    )


class People(NamedTuple):
    """The ids of an operator and of a bank's user."""

    operator: str
    banker: str


@pytest.fixture
def people(hub: Hub) -> People:
    with hub.store.begin() as tx:
        users.add(tx, "Anong", OperatorRole.ADMIN, "test", email=OPERATOR)
        users.add(tx, "Malee", PartnerRole.WRITER, "test", INSTITUTION, email=BANKER)
        return People(users.get(tx, "Anong").id, users.get(tx, "Malee").id)


@pytest.fixture
def reminders(hub: Hub, settings: Settings, people: People) -> ReminderThread:
    return ReminderThread(hub.store, settings)


@pytest.fixture
def begin(hub: Hub) -> int:
    """The beginning of the hour after next, so that no test crosses an hour by accident."""
    return (now() // HOUR + 2) * HOUR


def texts(server: MailServer, address: str) -> list[str]:
    return [mail.get_content() for mail, to in zip(server.mails, server.recipients, strict=True) if to == address]


def is_empty(store: Store) -> bool:
    with store.read() as tx:
        return outbox.totals(tx, 0).waiting == 0


@pytest.fixture
def app_of_hub(hub: Hub, tmp_path: Path) -> Iterator[Flask]:
    made = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'hub.db'}", access_log="off", background=False))
    yield made
    close(made)
