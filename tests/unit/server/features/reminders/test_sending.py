"""Reminders by mail reach a real server once, through faults of the sender, the server and the clock."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from schemas import timestamp
from server.features.reminders import choices, due, outbox, smtp
from server.features.reminders.job import ReminderThread
from server.features.reports.delistings import CLEAR
from server.features.requests import desk, records as requests, tables
from server.operations import dual_control
from server.release.hub import Hub
from server.settings import Settings
from server.store import partners
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.mail_server import MailServer
from tests.operators_desk import DISPUTED, INSTITUTION, OBJECTED, SENDER, request_of
from tests.unit.server.features.reminders.conftest import BANKER, HOUR, MINUTE, OPERATOR, People, is_empty, texts

EPOCH = datetime.fromtimestamp(0, UTC)


def test_each_person_gets_what_concerns_the_role(
    reminders: ReminderThread, mail_server: MailServer, begin: int
) -> None:
    reminders.step(begin + 6 * HOUR)
    [operators], [bankers] = texts(mail_server, OPERATOR), texts(mail_server, BANKER)
    assert "- Overdue objections: 1" in operators
    assert "- Overdue requests to you: 1" in bankers
    assert "Objections" not in bankers
    assert "https://hub.example/partner/requests/" in bankers


def test_a_mail_has_no_value_no_partner_and_no_case(
    reminders: ReminderThread, mail_server: MailServer, begin: int
) -> None:
    reminders.step(begin + 30 * HOUR)
    written = "".join(text for address in (OPERATOR, BANKER) for text in texts(mail_server, address))
    assert "Requests that an institution has not answered long after the deadline" in written
    for secret in (DISPUTED, OBJECTED, "1234567890", "C-1", "Bank", "800000", "KKB"):
        assert secret not in written


def test_one_digest_an_hour_and_none_without_news(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub
) -> None:
    for minutes in range(0, 60, 10):
        reminders.step(begin + minutes * MINUTE)
    assert len(texts(mail_server, OPERATOR)) == 1
    for hours in range(24, 27):
        reminders.step(begin + hours * HOUR)
    # The escalated request and the objection that becomes near are news; what was told before is not.
    assert len(texts(mail_server, OPERATOR)) == 2
    assert is_empty(hub.store)


def test_overdue_requests_reach_administrators_then_operators(
    reminders: ReminderThread, mail_server: MailServer, hub: Hub
) -> None:
    with hub.store.begin() as tx:
        users.add(tx, "Boss", PartnerRole.ADMIN, "test", INSTITUTION, email="boss@bank.example")
        [request] = [found for found in requests.all_requests(tx, most=9) if found.addressee == INSTITUTION]
    escalated = "- Requests that nobody in your organisation answered in time: 1"
    # One of them has no addressee here.
    unanswered = "- Requests that an institution has not answered long after the deadline: 2"
    reminders.step(request.deadline + MINUTE)
    assert not any(escalated in text for text in texts(mail_server, "boss@bank.example"))
    reminders.step(request.deadline + 2 * HOUR)
    assert escalated in texts(mail_server, "boss@bank.example")[-1]
    assert not any(escalated in text for text in texts(mail_server, BANKER))
    assert not any(unanswered in text for text in texts(mail_server, OPERATOR))
    reminders.step(request.deadline + 25 * HOUR)
    assert unanswered in texts(mail_server, OPERATOR)[-1]


def test_other_requests_hide_none_that_becomes_overdue(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "MOST", 2)
    at = timestamp.now()
    with hub.store.begin() as tx:
        for number, hours in (("C-3", 48), ("C-4", 49), ("C-5", 60)):
            request = request_of(number, INSTITUTION).model_copy(update={"deadline": at + timedelta(hours=hours)})
            desk.send(hub, tx, partners.get(tx, SENDER), request)
    reminders.step(begin + 6 * HOUR)
    assert "- Overdue requests to you: 1" in texts(mail_server, BANKER)[-1]
    # The last one becomes overdue while as many wait as are read.
    reminders.step(begin + 50 * HOUR)
    told = len(texts(mail_server, BANKER))
    reminders.step(begin + 62 * HOUR)
    assert len(texts(mail_server, BANKER)) == told + 1
    assert "- Overdue requests to you: 2 or more" in texts(mail_server, BANKER)[-1]


def test_thai_person_reads_thai(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, people: People
) -> None:
    with hub.store.begin() as tx:
        choices.store(tx, choices.find(tx, people.banker)._replace(language="th"))
    reminders.step(begin + 6 * HOUR)
    [text] = texts(mail_server, BANKER)
    assert "คำขอถึงท่านที่เกินกำหนด: 1 รายการ" in text
    assert "Requests" not in text


def test_proposer_is_not_reminded_of_the_own_proposal(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub
) -> None:
    with hub.store.begin() as tx:
        users.add(tx, "Kanya", OperatorRole.APPROVER, "test", email="kanya@hub.example")
        dual_control.propose(hub, tx, CLEAR, {"id": "o-listed"}, "Anong")
    reminders.step(begin)
    waiting = "Proposals that wait for a second person: 1"
    assert waiting in texts(mail_server, "kanya@hub.example")[0]
    assert waiting not in texts(mail_server, OPERATOR)[0]


_SENDER = """
import sys
from server.features.reminders.job import ReminderThread
from server.settings import Settings
from server.store import Store
settings = Settings()
ReminderThread(Store.open(settings.database_url), settings).step(int(sys.argv[1]))
"""


@pytest.mark.long
def test_killed_sender_sends_again_with_the_same_message_id(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, settings: Settings
) -> None:
    names = ("database_url", "mail_host", "mail_port", "mail_from", "mail_ca_file", "public_url", "country")
    own = {f"SCAMFEED_{name.upper()}": str(getattr(settings, name)) for name in names}
    running: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill() -> None:
        started.wait()
        running[0].kill()
        running[0].wait()

    mail_server.taken = kill
    running.append(subprocess.Popen([sys.executable, "-c", _SENDER, str(begin)], env={**os.environ, **own}))
    started.set()
    assert running[0].wait(60) == -signal.SIGKILL
    mail_server.taken = lambda: None
    assert len(mail_server.mails) == 1
    # The mail may still be on its way, so no other process touches it at once.
    reminders.step(begin + MINUTE)
    addresses = [to for to in mail_server.recipients if to == mail_server.recipients[0]]
    assert len(addresses) == 1
    reminders.step(begin + 4 * MINUTE)
    reminders.step(begin + 8 * MINUTE)
    again = [
        mail
        for mail, to in zip(mail_server.mails, mail_server.recipients, strict=True)
        if to == mail_server.recipients[0]
    ]
    assert len(again) == 2
    assert again[0].as_bytes() == again[1].as_bytes()
    assert again[0]["Message-ID"]
    assert is_empty(hub.store)


def test_two_nodes_send_each_mail_once(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, settings: Settings
) -> None:
    other = ReminderThread(hub.store, settings)
    nodes = [threading.Thread(target=node.step, args=(begin,)) for node in (reminders, other)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()
    assert sorted(mail_server.recipients) == sorted(set(mail_server.recipients))
    assert OPERATOR in mail_server.recipients


def test_unknown_mailbox_ends_only_its_own_mails(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, people: People
) -> None:
    mail_server.refusals[BANKER] = "550 5.1.1 no such user"
    reminders.step(begin + 6 * HOUR)
    assert mail_server.recipients == [OPERATOR]
    with hub.store.read() as tx:
        assert [mail.error for mail in outbox.latest(tx, "failed", 9)] == ["address-refused"]
        assert choices.find(tx, people.banker).refused == BANKER
    mail_server.refusals.clear()
    reminders.step(begin + 30 * HOUR)
    assert BANKER not in mail_server.recipients


@pytest.mark.parametrize(
    ("reply", "why"), [("450 4.2.1 busy", "address-put-off"), ("550 5.7.1 relay denied", "address-put-off")]
)
def test_mail_that_is_put_off_arrives_later(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, reply: str, why: str
) -> None:
    mail_server.refusals[OPERATOR] = reply
    reminders.step(begin)
    with hub.store.read() as tx:
        assert [mail.error for mail in outbox.latest(tx, "waiting", 9)] == [why]
    mail_server.refusals.clear()
    reminders.step(begin + 5 * MINUTE)
    assert len(texts(mail_server, OPERATOR)) == 1


@pytest.mark.long
def test_mail_is_given_up_after_a_day(reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub) -> None:
    mail_server.reply = "451 4.3.0 full"
    reminders.step(begin)
    assert not is_empty(hub.store)
    for hours in range(1, 27):
        reminders.step(begin + hours * HOUR + 30 * MINUTE)
    with hub.store.read() as tx:
        assert [mail.error for mail in outbox.latest(tx, "failed", 9)][-1] == "mail-refused"
    assert mail_server.mails == []


def test_without_starttls_nothing_is_sent(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub
) -> None:
    mail_server.offers_tls = False
    reminders.step(begin)
    assert mail_server.mails == []
    with hub.store.read() as tx:
        assert {mail.error for mail in outbox.latest(tx, "waiting", 9)} >= {"no-starttls"}


def test_unknown_certificate_is_refused(mail_server: MailServer, begin: int, hub: Hub, settings: Settings) -> None:
    with hub.store.begin() as tx:
        users.add(tx, "Anong", OperatorRole.ADMIN, "test", email=OPERATOR)
    ReminderThread(hub.store, settings.model_copy(update={"mail_ca_file": None})).step(begin)
    assert mail_server.mails == []
    with hub.store.read() as tx:
        assert [mail.error for mail in outbox.latest(tx, "waiting", 9)] == ["certificate-refused"]


@pytest.mark.long
def test_hanging_server_delays_no_other_work_and_is_left(
    reminders: ReminderThread,
    mail_server: MailServer,
    begin: int,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "_WAIT_SECONDS", 3.0)
    mail_server.hangs = True
    step = threading.Thread(target=reminders.step, args=(begin,))
    step.start()
    while not mail_server.connections:
        assert step.is_alive()
    # The sender waits for the server: the store takes other writes.
    with hub.store.begin() as tx:
        users.add(tx, "Kanya", OperatorRole.VIEWER, "test")
    assert step.is_alive()
    step.join(60)
    assert not step.is_alive()
    with hub.store.read() as tx:
        assert "too-slow" in {mail.error for mail in outbox.latest(tx, "waiting", 9)}


def test_slow_answer_is_cut_off(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_MOST_SECONDS", 1.0)
    over = threading.Event()
    mail_server.taken = lambda: over.wait(60) and None
    reminders.step(begin)
    over.set()
    with hub.store.read() as tx:
        assert {mail.error for mail in outbox.latest(tx, "waiting", 9)} >= {"too-slow"}


def test_clock_far_ahead_silences_nobody(
    reminders: ReminderThread, mail_server: MailServer, begin: int, hub: Hub
) -> None:
    century = 100 * 365 * 24 * HOUR
    mail_server.reply = "451 4.3.0 full"
    reminders.step(begin + century)
    mail_server.reply = "250 ok"
    # The clock is right again: the mail that waits for the next century goes out, and so does what is due now.
    reminders.step(begin)
    reminders.step(begin + HOUR)
    assert len(texts(mail_server, OPERATOR)) >= 1
    with timestamp.frozen_at(EPOCH + timedelta(microseconds=begin + HOUR)), hub.store.begin() as tx:
        dual_control.propose(hub, tx, CLEAR, {"id": "o-listed"}, "Somebody")
    with timestamp.frozen_at(EPOCH + timedelta(microseconds=begin + 2 * HOUR)):
        reminders.step(begin + 2 * HOUR)
    assert "Proposals that wait for a second person: 1" in texts(mail_server, OPERATOR)[-1]
    assert is_empty(hub.store)


def test_many_requests_that_are_not_near_hide_none_that_is(hub: Hub) -> None:
    times = due.DueTimes.of(Settings())
    with hub.store.begin() as tx:
        [request] = [found for found in requests.all_requests(tx, most=9) if found.addressee == INSTITUTION]
        at = request.deadline - MINUTE
        later = [
            request._replace(
                id=f"later-{number}", sent_as=f"later-{number}", opened=at, deadline=at + times.before - number
            )
            for number in range(due.MOST + 1)
        ]
        tx.execute(insert(tables.requests), [row._asdict() for row in later])
        found = due.of_partner(tx, INSTITUTION, times, at)
    assert [item.of for item in found if item.reminder == "request-near"] == [request.id]
