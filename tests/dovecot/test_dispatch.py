"""Answers to reports by mail, read from Dovecot: words, bounces, texts for a person, and kills in between."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from server.features.dispatch import outbox
from server.features.dispatch.job import DispatchThread
from server.features.dispatch.mailbox import AnswerMailbox
from server.release.hub import Hub
from server.settings import Settings
from server.store.database.engine import Tx
from tests.dovecot.server import PASSWORD, Dovecot, served
from tests.unit.server.features.dispatch.conftest import (
    HOSTER,
    HOUR,
    begin as begin,
    hub as hub,
    mail_server as mail_server,
    registries as registries,
    report as report,
    settings as plain_settings,
    thread as thread,
)
from tests.unit.server.features.dispatch.test_answers import bounce, reply, row_of, sent as sent

__all__ = ["plain_settings"]
_USER = "abuse-reports"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with served() as server:
        yield server


@pytest.fixture
def settings(plain_settings: Settings, dovecot: Dovecot, request: pytest.FixtureRequest) -> Settings:
    user = f"{_USER}-{abs(hash(request.node.nodeid))}"
    given = {
        "dispatch_imap_host": "localhost",
        "dispatch_imap_port": dovecot.implicit,
        "dispatch_imap_user": user,
        "dispatch_imap_password": PASSWORD,
        "dispatch_imap_private": True,
        "mail_ca_file": _both(plain_settings, dovecot),
    }
    return Settings(**{**plain_settings.model_dump(exclude_unset=True), **given})


def _both(settings: Settings, dovecot: Dovecot) -> str:
    """Return a file with the certificates of both servers: their hub has one authority for mail."""
    assert settings.mail_ca_file is not None
    file = settings.mail_ca_file.with_name("authorities.pem")
    file.write_text(settings.mail_ca_file.read_text() + dovecot.certificate.read_text())
    return str(file)


def deliver(dovecot: Dovecot, settings: Settings, *mails: bytes) -> None:
    for mail in mails:
        dovecot.deliver(settings.dispatch_imap_user, mail)


def test_answers_are_read_from_a_mailbox_once(
    hub: Hub, settings: Settings, thread: DispatchThread, dovecot: Dovecot, sent: EmailMessage, begin: int
) -> None:
    other = EmailMessage()
    other["From"], other["Subject"] = "anybody@example.net", "Lunch"
    other.set_content("removed")
    deliver(dovecot, settings, other.as_bytes(), reply(sent, "Which page?"), reply(sent, "Removed."))
    thread.step(begin + HOUR)
    assert (row_of(hub).state, row_of(hub).response) == ("responded", "removed")
    with hub.store.read() as tx:
        assert [answer.text for answer in outbox.open_answers(tx, 9)] == ["Which page?"]
    assert AnswerMailbox(hub, settings).read(begin + HOUR) == 0
    assert not any(b"Seen" in flags for flags in dovecot.flags(settings.dispatch_imap_user))
    # The server numbers its mails anew: they are read again, and change nothing.
    dovecot.forget_numbers(settings.dispatch_imap_user)
    thread.step(begin + 2 * HOUR)
    with hub.store.read() as tx:
        assert len(outbox.open_answers(tx, 9)) == 1
    assert row_of(hub).response == "removed"


def test_bounce_in_the_mailbox_marks_the_contact(
    hub: Hub, settings: Settings, thread: DispatchThread, dovecot: Dovecot, sent: EmailMessage, begin: int
) -> None:
    deliver(dovecot, settings, bounce(sent, "4.2.2", "delayed"), bounce(sent))
    thread.step(begin + HOUR)
    with hub.store.read() as tx:
        contact = outbox.contact(tx, HOSTER)
    assert contact is not None
    assert (contact.state, row_of(hub).state) == ("bad", "bad")


def test_mailbox_of_a_dead_server_is_read_when_it_is_back(
    hub: Hub,
    settings: Settings,
    thread: DispatchThread,
    dovecot: Dovecot,
    sent: EmailMessage,
    begin: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deliver(dovecot, settings, reply(sent, "Removed."))
    dovecot.kill()
    thread.step(begin + HOUR)
    assert "dispatch-answers-unread" in caplog.text
    assert PASSWORD not in caplog.text
    assert row_of(hub).state == "mailed"
    dovecot.revive()
    thread.step(begin + 2 * HOUR)
    assert row_of(hub).response == "removed"


def test_wrong_password_is_logged_without_it(
    hub: Hub, settings: Settings, begin: int, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = settings.model_copy(update={"dispatch_imap_password": SecretStr("another")})
    assert AnswerMailbox(hub, wrong).read(begin) == 0
    assert "refuses these credentials" in caplog.text
    assert "another" not in caplog.text


class Killed(BaseException):
    """The process ended."""


def test_kill_between_a_mail_and_its_number_reads_it_again(
    hub: Hub,
    settings: Settings,
    dovecot: Dovecot,
    sent: EmailMessage,
    begin: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deliver(dovecot, settings, reply(sent, "Which page?"), reply(sent, "Removed."))

    store_place = outbox.set_mailbox
    for mails in (0, 0, 1):

        def kill(tx: Tx, folder: str, validity: str, uid: int, mails: int = mails) -> None:
            if uid > mails:
                raise Killed
            store_place(tx, folder, validity, uid)

        with monkeypatch.context() as patch:
            patch.setattr("server.features.dispatch.mailbox.outbox.set_mailbox", kill)
            with pytest.raises(Killed):
                AnswerMailbox(hub, settings).read(begin + 1)
        with hub.store.read() as tx:
            assert len(outbox.open_answers(tx, 9)) == 1
    assert row_of(hub).response == "removed"
    AnswerMailbox(hub, settings).read(begin + 2)
    with hub.store.read() as tx:
        assert len(outbox.open_answers(tx, 9)) == 1
