"""A hub that dispatches: registries and a mail server on loopback, and reports of grade block."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.dispatch import outbox
from server.features.dispatch.job import DispatchThread
from server.features.dispatch.operations import ApproveMails
from server.operations.operation import Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.hub import Hub
from server.settings import Settings
from server.setup import hub_of
from server.store import Store, partners
from server.store.database.times import now
from server.store.item import Item
from tests.initial_stores import initial_url
from tests.mail_server import MailServer
from tests.registries import Registries, abuse_desk

HOUR = 3_600_000_000
REGISTRAR, HOSTER = "abuse@registrar.example", "abuse@hoster.example"


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path).served() as server:
        yield server


@pytest.fixture
def registries() -> Iterator[Registries]:
    with Registries().served() as server:
        server.network("192.0.2.7", abuse_desk("Hoster", HOSTER))
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(
    request: pytest.FixtureRequest, mail_server: MailServer, registries: Registries, tmp_path: Path
) -> Settings:
    return Settings(
        database_url=initial_url(request, tmp_path),
        mail_host="localhost",
        mail_port=mail_server.port,
        mail_from="reminders@hub.example",
        mail_ca_file=mail_server.certificate,
        public_url="https://hub.example",
        owner="Example Hub",
        dispatch=True,
        dispatch_from="abuse-reports@hub.example",
        dns_servers=[registries.resolver],
        rdap_bootstrap=f"{registries.url}/iana/",
        rdap_allow_private=True,
        registries_per_second=1_000,
        hold_examples=False,
    )


@pytest.fixture
def hub(settings: Settings) -> Iterator[Hub]:
    store = Store.open(settings.database_url)
    made = hub_of(settings, store)
    with store.begin() as tx:
        for name in ("First Bank", "Second Bank", "Third Bank"):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, trusted=True))
    yield made
    store.close()


Report = Callable[..., None]


@pytest.fixture
def report(hub: Hub) -> Report:
    """Return a function that lets three banks report a value."""

    def do(kind: str, value: str, action: str = "block", tlp: str = "clear", **more: Any) -> None:
        for name in ("First Bank", "Second Bank", "Third Bank"):
            given = {"reporter": name, "kind": kind, "tlp": tlp, "scam_type": "investment", "action": action}
            reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now()), **more})
            with hub.store.begin() as tx:
                objects = [Item.of(obj) for obj in to_stix(reader.report({"value": value}))]
                done = contribute(hub, tx, partners.get(tx, name), objects)
            assert not done.failed, done.failed

    return do


@pytest.fixture
def thread(hub: Hub, settings: Settings) -> DispatchThread:
    return DispatchThread(hub, settings)


@pytest.fixture
def begin(hub: Hub) -> int:
    return now()


def approve_all(hub: Hub) -> int:
    """Approve each mail that waits for it, and return the number."""
    with hub.store.read() as tx:
        waiting = outbox.in_state(tx, "approval", 100)
    if waiting:
        run(hub, ApproveMails(ids=tuple(mail.id for mail in waiting)), Actor.system("Anong"))
    return len(waiting)


def put_mail(hub: Hub, number: int, state: outbox.MailState = "sent") -> None:
    """Store a mail that an operator approved."""
    made = outbox.DispatchMail(
        f"{number:032x}", "report", f"{number}@old.example", None, None, None, 1, state, "Anong", 1, 1, 2
    )
    with hub.store.begin() as tx:
        outbox.put(tx, made)
