"""Answers to reports by mail: bounces, words, texts for a person, and the link without a login."""

import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from flask import Flask

from server.app import close, create_app
from server.features.dispatch import outbox, records
from server.features.dispatch.job import DispatchThread
from server.features.dispatch.mailbox import AnswerMailbox, first_word
from server.features.dispatch.records import Dispatch
from server.features.reminders import choices, outbox as reminders
from server.release.hub import Hub
from server.settings import Settings
from server.store import audit
from server.store.operators import users
from server.store.operators.users import OperatorRole
from tests.mail_server import MailServer
from tests.unit.server.features.dispatch.conftest import HOSTER, HOUR, Report, approve_all
from tests.unit.server.web.shell.people import visitor_of

MINUTE = HOUR // 60


@pytest.fixture
def sent(hub: Hub, thread: DispatchThread, report: Report, mail_server: MailServer, begin: int) -> EmailMessage:
    """A report that was sent to the hoster."""
    report("ip", "192.0.2.7")
    thread.step(begin)
    approve_all(hub)
    thread.step(begin + MINUTE)
    [mail] = mail_server.mails
    return mail


@pytest.fixture
def mailbox(hub: Hub, settings: Settings) -> AnswerMailbox:
    return AnswerMailbox(hub, settings)


@pytest.fixture
def app_of_hub(hub: Hub, settings: Settings) -> Iterator[Flask]:
    made = create_app(settings.model_copy(update={"access_log": "off", "background": False}))
    yield made
    close(made)


def row_of(hub: Hub) -> Dispatch:
    with hub.store.read() as tx:
        [row] = records.latest(tx, 9)
    return row


def reply(to: EmailMessage, text: str, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = HOSTER
    mail["Subject"] = f"Re: {to['Subject']}"
    mail["In-Reply-To"] = to["Message-ID"]
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def bounce(of: EmailMessage, status: str = "5.1.1", action: str = "failed") -> bytes:
    """Return a bounce as mail servers write it (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt came back.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {HOSTER}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {of['Message-ID']}\r\n\r\n--b--\r\n"
    ).encode()


def test_bounce_marks_the_contact_as_bad(hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int) -> None:
    assert mailbox.take(bounce(sent), begin)
    assert mailbox.take(bounce(sent), begin)
    with hub.store.read() as tx:
        contact = outbox.contact(tx, HOSTER)
    assert contact is not None
    assert (contact.state, row_of(hub).state) == ("bad", "bad")


@pytest.mark.parametrize(("status", "action"), [("4.2.2", "delayed"), ("5.7.1", "failed"), ("2.0.0", "delivered")])
def test_other_statuses_mark_nobody(
    hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int, status: str, action: str
) -> None:
    assert mailbox.take(bounce(sent, status, action), begin)
    with hub.store.read() as tx:
        assert outbox.contact(tx, HOSTER) is None


def test_word_on_the_first_line_is_a_response(hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int) -> None:
    assert mailbox.take(reply(sent, "Removed.\n\n> your report"), begin)
    assert (row_of(hub).state, row_of(hub).response) == ("responded", "removed")
    with hub.store.read() as tx:
        assert [entry.event.remote for entry in audit.tail(tx, 99) if entry.event.method == "RESPOND"] == ["mailbox"]


def test_other_answer_waits_for_a_person(
    hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int, app_of_hub: Flask
) -> None:
    answer = reply(sent, "Which page do you mean?\n<script>alert(1)</script>")
    for _ in range(2):
        assert mailbox.take(answer, begin)
    visitor = visitor_of(app_of_hub, OperatorRole.ANALYST)
    page = visitor.get("/console/dispatch").text
    assert page.count("Which page do you mean?") == 1
    assert "<script>alert" not in page
    with hub.store.read() as tx:
        [stored] = outbox.open_answers(tx, 9)
    assert visitor.send("/console/dispatch/close", id=stored.id).status_code == 303
    assert "Which page do you mean?" not in visitor.get("/console/dispatch").text


def test_answer_of_somebody_else_waits_for_a_person(
    hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int
) -> None:
    for number, sender in enumerate(("seller@shop.example", f"abuse@not-{HOSTER.rpartition('@')[2]}", "")):
        assert mailbox.take(reply(sent, f"removed\n{number}", From=sender), begin)
    assert row_of(hub).response is None
    with hub.store.read() as tx:
        assert len(outbox.open_answers(tx, 9)) == 3


def test_bounce_names_the_mail_and_its_address(
    hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int
) -> None:
    whole = bounce(sent).decode()
    by_subject = whole.replace("Subject: Undelivered", f"Subject: {sent['Subject']}").replace("Message-ID:", "X-Id:")
    for forged in (by_subject, whole.replace(f"rfc822; {HOSTER}", "rfc822; somebody@else.example")):
        assert mailbox.take(forged.encode(), begin)
    assert row_of(hub).state == "mailed"
    with hub.store.read() as tx:
        assert outbox.contact(tx, HOSTER) is None


def test_reference_in_the_subject_is_enough(hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int) -> None:
    assert mailbox.take(reply(sent, "suspended", In_Reply_To="<ticket-1@hoster.example>"), begin)
    assert row_of(hub).response == "suspended"


def test_automatic_answer_is_no_response(hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int) -> None:
    assert mailbox.take(reply(sent, "removed", Auto_Submitted="auto-replied"), begin)
    assert row_of(hub).state == "mailed"


def test_stranger_changes_nothing(hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int) -> None:
    stranger = EmailMessage()
    stranger["Subject"] = "Re: SF-0123456789AB"
    stranger["In-Reply-To"] = f"<xarf-{'0' * 32}@hub.example>"
    stranger.set_content("removed")
    for data in (stranger.as_bytes(), b"", b"\x00\xff" * 50, b"Content-Type: multipart/report\r\n\r\n"):
        assert not mailbox.take(data, begin)
    assert row_of(hub).state == "mailed"


def test_so_many_answers_are_stored(
    hub: Hub, mailbox: AnswerMailbox, sent: EmailMessage, begin: int, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(25):
        mailbox.take(reply(sent, f"question {number}"), begin)
    with hub.store.read() as tx:
        assert len(outbox.open_answers(tx, 99)) == 20
    assert caplog.text.count("has 20 answers already") == 5


def test_first_word() -> None:
    assert [first_word(text) for text in ("\n Not-Ours!\n", "", "removed it")] == ["not-ours", "", "removed it"]


def test_deeply_nested_mail_is_left_unread(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    data = b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(60))
    assert not AnswerMailbox(hub, Settings()).take(data, HOUR)
    assert "dispatch-answer-unread" in caplog.text


def test_link_answers_once(hub: Hub, app_of_hub: Flask, sent: EmailMessage) -> None:
    body = sent.get_body(("plain",))
    assert body is not None
    found = re.search(r"https://hub\.example(/dispatch/answer/\S+)", body.get_content())
    assert found is not None
    browser = app_of_hub.test_client()
    page = browser.get(found[1])
    assert page.status_code == 200
    assert "192[.]0[.]2[.]7" in page.text
    # A scanner that opens the page changes nothing.
    assert row_of(hub).state == "mailed"
    assert browser.post(found[1], data={"response": "what"}).status_code == 422
    assert browser.post(found[1], data={"response": "removed", "reference": "T-1"}).status_code == 303
    assert (row_of(hub).response, row_of(hub).their_reference) == ("removed", "T-1")
    browser.post(found[1], data={"response": "rejected"})
    assert row_of(hub).response == "removed"
    assert "Your answer is recorded" in browser.get(found[1]).text


@pytest.mark.parametrize("token", ["x", "0" * 32, f"{'0' * 32}.{'0' * 32}", "%00", "a" * 500])
def test_forged_link_is_unknown(app_of_hub: Flask, sent: EmailMessage, token: str) -> None:
    browser = app_of_hub.test_client()
    for answer in (browser.get(f"/dispatch/answer/{token}"), browser.post(f"/dispatch/answer/{token}")):
        assert answer.status_code in (404, 422)


def test_operator_approves_on_the_page(
    hub: Hub, thread: DispatchThread, report: Report, app_of_hub: Flask, mail_server: MailServer, begin: int
) -> None:
    report("ip", "192.0.2.7")
    thread.step(begin)
    page = visitor_of(app_of_hub, OperatorRole.ANALYST).get("/console/dispatch").text
    assert "192[.]0[.]2[.]7" in page
    assert "/console/dispatch/approve" not in page
    approver = visitor_of(app_of_hub, OperatorRole.APPROVER)
    [id_] = re.findall(r'name="id" value="([0-9a-f]{32})"><button>', approver.get("/console/dispatch").text)
    assert approver.send("/console/dispatch/approve", id=id_).status_code == 303
    thread.step(begin + MINUTE)
    assert len(mail_server.mails) == 1
    detail = approver.get(f"/console/dispatch/{row_of(hub).id}").text
    assert row_of(hub).reference in detail
    sent = approver.send(f"/console/dispatch/{row_of(hub).id}/respond", response="not-ours", reference="T-9")
    assert sent.status_code == 303
    assert row_of(hub).response == "not-ours"
    assert approver.get("/console/dispatch/unknown").status_code == 404


def test_returned_reminder_ends_reminders_to_its_address(hub: Hub, mailbox: AnswerMailbox, begin: int) -> None:
    with hub.store.begin() as tx:
        for name in ("Malee", "Nok"):
            users.add(tx, name, OperatorRole.ANALYST, "test", email=f"{name}@hub.example")
        people = [users.get(tx, name) for name in ("Malee", "Nok")]
        for person in people:
            assert reminders.put(tx, person.id, "digest", {}, begin)
        [first, second] = reminders.due(tx, begin, 9, reminders.MAILS)
        mail = first if first.user == people[0].id else second
        reminders.end(tx, mail, "sent", begin)
    back = EmailMessage()
    back["Message-ID"] = f"<{mail.id}@hub.example>"
    returned = bounce(back).replace(HOSTER.encode(), b"malee@HUB.example")
    # An address that is not the person's, and a reminder that was not sent.
    assert mailbox.take(bounce(back), begin)
    other = returned.replace(mail.id.encode(), (second if mail is first else first).id.encode())
    assert not mailbox.take(other, begin)
    assert _addresses(hub, people) == ["Malee@hub.example", "Nok@hub.example"]
    assert mailbox.take(returned, begin)
    assert mailbox.take(returned, begin)
    assert _addresses(hub, people) == [None, "Nok@hub.example"]


def _addresses(hub: Hub, people: list[users.User]) -> list[str | None]:
    with hub.store.read() as tx:
        return [choices.address_of(person, choices.find(tx, person.id)) for person in people]
