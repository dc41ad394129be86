"""Reports by mail go to registrars and networks: once, validly, and only for listings that may be disclosed."""

import json
import os
import random
import signal
import threading
import time
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from xarf import parse

from server.features.dispatch import outbox, records
from server.features.dispatch.corrections import correct, state_of
from server.features.dispatch.job import DispatchThread
from server.features.dispatch.operations import (
    AnswerReport,
    AssignAddressee,
    DiscardMail,
    RecordMailedResponse,
    SetContact,
)
from server.features.dispatch.repeats import MOST_REPEATS
from server.features.liveness.operations import RecordBack, RecordGone
from server.features.registries import changes
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.release.retract import retract
from server.settings import Settings
from tests.mail_server import MailServer
from tests.processes import Forked
from tests.registries import Registries, abuse_desk
from tests.unit.server.features.dispatch.conftest import HOSTER, HOUR, REGISTRAR, Report, approve_all, put_mail
from tests.unit.server.features.dispatch.endless_sender import send_for_ever

ANONG = Actor.system("Anong")
MINUTE = HOUR // 60


def reports_in(mail: EmailMessage) -> list[dict[str, object]]:
    """Return the XARF reports of a mail, each validated."""
    found = [json.loads(part.get_content()) for part in mail.iter_attachments()]
    for report in found:
        read = parse(report)
        assert (read.errors, read.report is None) == ([], False), report
    return found


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def states(hub: Hub) -> dict[str, int]:
    with hub.store.read() as tx:
        return records.count(tx)


def test_registrar_and_network_get_a_valid_report(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    registries.domain("scam-shop.com", abuse_desk("Registrar", REGISTRAR))
    registries.names["www.scam-shop.com"] = "192.0.2.7"
    report("domain", "scam-shop.com")
    report("url", "https://www.scam-shop.com/login?a=1")
    report("ip", "192.0.2.7")
    thread.step(begin)
    assert mail_server.mails == []
    assert approve_all(hub) == 2
    thread.step(begin + MINUTE)
    assert sorted(mail_server.recipients) == [HOSTER, REGISTRAR]
    for mail in mail_server.mails:
        [xarf] = reports_in(mail)
        assert mail["From"] == "Example Hub <abuse-reports@hub.example>"
        assert "hxxp" in text_of(mail) or "[.]" in text_of(mail)
        assert "scam-shop.com" not in text_of(mail)
        assert "https://hub.example/dispatch/answer/" in text_of(mail)
        assert "Bank" not in mail.as_string()
        assert xarf["category"] in ("content", "reputation")
    # The others of each addressee are together in its next mail.
    thread.step(begin + 2 * HOUR)
    approve_all(hub)
    thread.step(begin + 2 * HOUR + MINUTE)
    every = [
        (xarf.get("url"), to)
        for mail, to in zip(mail_server.mails, mail_server.recipients, strict=True)
        for xarf in reports_in(mail)
    ]
    urls = ("http://scam-shop.com/", "https://www.scam-shop.com/login?a=1")
    assert sorted(every, key=str) == sorted(
        [*((url, to) for url in urls for to in (HOSTER, REGISTRAR)), (None, HOSTER)], key=str
    )


def test_only_disclosable_block_listings_are_reported(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, begin: int
) -> None:
    report("domain", "only-warned.com", action="warn")
    report("domain", "for-partners.com", tlp="green")
    report("domain", "for-partners-too.com", tlp="amber")
    report("phone", "+66812345678")
    thread.step(begin)
    assert states(hub) == {}
    assert not [asked for asked in registries.asked if not asked.startswith("/iana/")]


def test_hub_without_dispatch_notes_nothing(hub: Hub, report: Report, settings: Settings) -> None:
    object.__setattr__(hub, "followers", frozenset())
    report("domain", "scam-shop.com")
    with hub.store.read() as tx:
        assert changes.noted(tx, "dispatch", 9) == {}


def test_listing_that_ends_before_the_mail_is_not_reported(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    registries.domain("scam-shop.com", abuse_desk("Registrar", REGISTRAR))
    report("domain", "scam-shop.com")
    thread.step(begin)
    with hub.store.begin() as tx:
        retract(hub, tx, "scam-shop.com")
    assert states(hub) == {"ended": 2}
    approve_all(hub)
    thread.step(begin + MINUTE)
    assert mail_server.mails == []


def test_eleventh_mail_needs_no_approval(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    for number in range(9):
        put_mail(hub, number)
    registries.domain("scam-shop.com", abuse_desk("Registrar", REGISTRAR))
    report("domain", "scam-shop.com")
    thread.step(begin)
    assert len(mail_server.mails) == 1
    assert approve_all(hub) == 1
    thread.step(begin + MINUTE)
    assert len(mail_server.mails) == 2


def test_discarded_mail_ends_its_report(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    report("ip", "192.0.2.7")
    thread.step(begin)
    with hub.store.read() as tx:
        [mail] = outbox.in_state(tx, "approval", 9)
    run(hub, DiscardMail(id=mail.id), ANONG)
    thread.step(begin + MINUTE)
    assert (states(hub), mail_server.mails) == ({"ended": 1}, [])


def test_addressee_gets_so_many_mails_a_day(
    hub: Hub, report: Report, registries: Registries, settings: Settings, mail_server: MailServer, begin: int
) -> None:
    thread = DispatchThread(hub, settings.model_copy(update={"dispatch_per_day": 2}))
    for number in range(10, 20):
        put_mail(hub, number)
    for number in range(3):
        registries.network(f"192.0.2.{number + 10}", abuse_desk("Hoster", HOSTER))
        report("ip", f"192.0.2.{number + 10}")
        thread.step(begin + (2 * number + 1) * HOUR)
    assert len(mail_server.mails) == 2
    thread.step(begin + 26 * HOUR)
    assert len(mail_server.mails) == 3


def test_delisting_is_followed_up_in_the_thread(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    with hub.store.read() as tx:
        [row] = records.latest(tx, 9)
    with hub.store.begin() as tx:
        retract(hub, tx, "192.0.2.7")
        made = correct(tx, row.listing, begin)
        assert made == correct(tx, row.listing, begin)
        assert [state_of(tx, id_) for id_ in made] == ["waiting"]
    thread.step(begin + 2 * MINUTE)
    thread.step(begin + 3 * MINUTE)
    sent, follow_up = mail_server.mails
    assert follow_up["In-Reply-To"] == sent["Message-ID"]
    assert row.reference in text_of(follow_up)
    assert "192.0.2.7" not in follow_up.as_string()
    with hub.store.read() as tx:
        assert [state_of(tx, id_) for id_ in made] == ["sent"]
        assert state_of(tx, "0" * 32) is None


def test_report_about_a_name_that_exists_again_is_repeated_in_the_thread(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    subject = "ip:192.0.2.7"
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    run(hub, RecordGone(subjects=(subject,)), ANONG)
    with hub.store.read() as tx:
        [row] = records.latest(tx, 9)
    assert (row.state, row.response) == ("gone", "already-gone")
    for _ in range(2):
        run(hub, RecordBack(subjects=(subject,)), ANONG)
    thread.step(begin + 2 * MINUTE)
    thread.step(begin + 3 * MINUTE)
    sent, repeat = mail_server.mails
    assert repeat["In-Reply-To"] == sent["Message-ID"]
    assert "192.0.2.7" not in repeat.as_string()
    assert "/dispatch/answer/" in text_of(repeat)
    with hub.store.read() as tx:
        [row] = records.latest(tx, 9)
        token = records.token(tx, row.id)
    assert (row.state, row.response) == ("mailed", None)
    run(hub, AnswerReport(token=token, response="removed"), Actor.anybody())
    run(hub, RecordBack(subjects=(subject,)), ANONG)
    for _ in range(8):
        run(hub, RecordMailedResponse(id=row.id, response="already-gone"), ANONG)
        run(hub, RecordBack(subjects=(subject,)), ANONG)
        thread.step(begin + 4 * MINUTE)
    assert len(mail_server.mails) == 1 + MOST_REPEATS


def test_delisting_before_a_repeat_is_sent_is_followed_up_instead(
    hub: Hub, thread: DispatchThread, report: Report, mail_server: MailServer, begin: int
) -> None:
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    run(hub, RecordGone(subjects=("ip:192.0.2.7",)), ANONG)
    run(hub, RecordBack(subjects=("ip:192.0.2.7",)), ANONG)
    with hub.store.begin() as tx:
        [row] = records.latest(tx, 9)
        retract(hub, tx, "192.0.2.7")
        made = correct(tx, row.listing, begin)
        assert made == correct(tx, row.listing, begin)
    thread.step(begin + 2 * MINUTE)
    thread.step(begin + 3 * MINUTE)
    _, follow_up = mail_server.mails
    assert row.reference in text_of(follow_up)
    assert (states(hub), len(made)) == ({"corrected": 1}, 1)
    with hub.store.read() as tx:
        assert [mail.purpose for mail in outbox.in_state(tx, "discarded", 9)] == ["repeat"]


def test_addressee_in_thailand_reads_thai_first(
    thread: DispatchThread, report: Report, registries: Registries, hub: Hub, mail_server: MailServer, begin: int
) -> None:
    registries.network("192.0.2.7", abuse_desk("Hoster", HOSTER, country="TH"))
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    [mail] = mail_server.mails
    assert mail["Content-Language"] == "th, en"
    assert text_of(mail).index("เลขอ้างอิง") < text_of(mail).index("Our reference")


def test_addressee_without_mail_is_a_task(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, mail_server: MailServer, begin: int
) -> None:
    registries.network("192.0.2.7", abuse_desk("Hoster", form="https://hoster.example/abuse"))
    report("ip", "192.0.2.7")
    thread.step(begin)
    with hub.store.read() as tx:
        [row] = records.in_states(tx, records.TASKS, 9)
    assert (row.state, row.form) == ("form", "https://hoster.example/abuse")
    run(hub, AssignAddressee(id=row.id, address=HOSTER), ANONG)
    thread.step(begin + MINUTE)
    assert approve_all(hub) == 1


@pytest.mark.parametrize(("state", "task"), [("form", "form"), ("bad", "bad")])
def test_address_that_takes_no_mail_gets_none(
    hub: Hub, thread: DispatchThread, report: Report, begin: int, state: str, task: str
) -> None:
    run(hub, SetContact.model_validate({"address": HOSTER, "state": state}), ANONG)
    report("ip", "192.0.2.7")
    thread.step(begin)
    assert states(hub) == {task: 1}


def test_registry_that_does_not_answer_is_asked_again(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.fault = 503
    report("ip", "192.0.2.7")
    thread.step(begin)
    thread.step(begin + MINUTE // 2)
    assert registries.asked.count("/ip/192.0.2.7") == 1
    registries.fault = 0
    thread.step(begin + 2 * MINUTE)
    assert states(hub) == {"mailed": 1}


def test_shared_host_is_reported_to_its_network_only(
    hub: Hub, thread: DispatchThread, report: Report, registries: Registries, begin: int
) -> None:
    registries.names["scammer.github.io"] = "192.0.2.7"
    report("url", "https://scammer.github.io/login")
    thread.step(begin)
    assert "/domain/github.io" not in registries.asked
    with hub.store.read() as tx:
        assert [row.role for row in records.latest(tx, 9)] == ["network"]


def test_unknown_mailbox_makes_a_task(
    hub: Hub, thread: DispatchThread, report: Report, mail_server: MailServer, begin: int
) -> None:
    mail_server.refusals[HOSTER] = "550 5.1.1 no such user"
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    assert states(hub) == {"bad": 1}
    with hub.store.read() as tx:
        contact = outbox.contact(tx, HOSTER)
    assert contact is not None
    assert contact.state == "bad"


def free_lease(hub: Hub) -> None:
    """End the lease of a killed process now: it would end by itself later."""
    with hub.store.begin() as tx:
        tx.exec_driver_sql("DELETE FROM leases WHERE feed = ':dispatch'")


def _kill(process: Forked, reached: threading.Event) -> None:
    process.kill()
    reached.set()


def _environment(settings: Settings) -> dict[str, str]:
    names = ("database_url", "mail_host", "mail_port", "mail_from", "mail_ca_file", "public_url", "owner", "dispatch")
    own = {name: str(getattr(settings, name)) for name in (*names, "dispatch_from", "rdap_bootstrap")}
    own |= {"dns_servers": json.dumps(settings.dns_servers), "rdap_allow_private": "true"}
    own |= {"registries_per_second": "1000", "hold_examples": "false"}
    return {**os.environ, **{f"SCAMFEED_{name.upper()}": value for name, value in own.items()}}


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_thirty_kills_lose_no_mail_and_make_no_second_one(
    hub: Hub,
    report: Report,
    registries: Registries,
    settings: Settings,
    mail_server: MailServer,
    begin: int,
    tmp_path: Path,
) -> None:
    """A process is killed while it looks up, composes or sends; the next one goes on, an hour of its clock later."""
    for number in range(10, 20):
        put_mail(hub, number)
    addresses = [f"192.0.2.{number}" for number in range(100, 140)]
    for number, address in enumerate(addresses):
        registries.network(address, abuse_desk(f"Hoster {number}", f"abuse@hoster{number}.example"))
        report("ip", address)
    moments = random.Random(30)  # noqa: S311 - the moments of kills
    at = begin
    for kill in range(30):
        log = tmp_path / f"sender-{kill}"
        process = Forked(send_for_ever, at, log=log, environment=_environment(settings))
        while "ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.005)
        reached = threading.Event()
        if kill % 2:
            # While the server takes a mail: it has it, and the sender does not know.
            mail_server.taken = partial(_kill, process, reached)
            reached.wait(moments.uniform(0.2, 2.0))
        else:
            reached.wait(moments.uniform(0.0, 0.4))
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
        mail_server.taken = lambda: None
        free_lease(hub)
        at += 2 * HOUR
    thread = DispatchThread(hub, settings)
    for hours in range(0, 12, 2):
        thread.step(at + hours * HOUR)
    by_address: dict[str, set[bytes]] = {}
    for mail, to in zip(mail_server.mails, mail_server.recipients, strict=True):
        by_address.setdefault(to, set()).add(mail.as_bytes())
    assert sorted(by_address) == sorted(f"abuse@hoster{number}.example" for number in range(40))
    # Repeated mails are the same, with the same Message-ID.
    assert {len(mails) for mails in by_address.values()} == {1}
    with hub.store.read() as tx:
        assert outbox.count(tx) == {"sent": 50}


@pytest.mark.long
def test_killed_sender_repeats_the_same_mail(
    hub: Hub,
    thread: DispatchThread,
    report: Report,
    settings: Settings,
    mail_server: MailServer,
    begin: int,
    tmp_path: Path,
) -> None:
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    free_lease(hub)
    log, environment = tmp_path / "sender", _environment(settings)
    process = Forked(send_for_ever, begin + MINUTE, log=log, environment=environment)
    killed = threading.Event()

    def kill() -> None:
        process.kill()
        killed.set()

    mail_server.taken = kill
    assert killed.wait(120)
    assert process.wait(60) == -signal.SIGKILL
    mail_server.taken = lambda: None
    free_lease(hub)
    thread.step(begin + 5 * MINUTE)
    thread.step(begin + 10 * MINUTE)
    first, second = mail_server.mails
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"]
