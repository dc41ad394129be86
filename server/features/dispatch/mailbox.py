"""Read the mailbox of answers: bounces, responses of one word, and texts for a person."""

import logging
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import parseaddr
from hashlib import sha256
from typing import NamedTuple

from feeds.errors import Misconfigured, TryLater
from feeds.mime import parse_mail
from feeds.transport.connections import ProxySettings
from feeds.transport.mailbox import MailLogin, MailServer, open_folder
from schemas.text import escaped
from server.features.dispatch import outbox, records
from server.features.dispatch.operations import RecordMailedResponse
from server.features.dispatch.outbox import DispatchMail, MailedAnswer
from server.features.reminders.returned import note_returned
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.settings import Settings
from server.store.database.engine import Tx

log = logging.getLogger(__name__)

_LONGEST = 4 << 20
_LONGEST_TEXT = 4_000
_AT_ONCE = 200
# Answers to one mail that are stored.
_MOST_ANSWERS = 20
_MOST_PARTS = 50
_ID = re.compile(r"(?:xarf-|<)([0-9a-f]{32})@")
_REFERENCE = re.compile(r"SF-([0-9A-F]{12})")
_HEADERS = ("In-Reply-To", "References")


class ReadMail(NamedTuple):
    """A mail of the mailbox: its sender, the ids and the reference that it names, and its meaning.

    ``bounced``: the addresses without a mailbox, if it is a bounce. ``is_automatic``: no person wrote it.
    """

    sender: str
    ids: list[str]
    reference: str
    bounced: list[str]
    is_automatic: bool
    text: str


class AnswerMailbox:
    """Reads each mail of a folder once, in the order of arrival; it marks, moves and deletes none."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        """Read the mailbox of ``settings``."""
        self._hub = hub
        self._folder = settings.dispatch_imap_folder
        self._server = MailServer(
            settings.dispatch_imap_host,
            settings.dispatch_imap_port,
            settings.dispatch_imap_tls,
            10.0,
            60.0,
            settings.mail_ca_file,
            settings.dispatch_imap_private,
            _LONGEST,
            ProxySettings(),
        )
        self._login = MailLogin(
            settings.dispatch_imap_user, settings.dispatch_imap_password.get_secret_value() or None, None
        )

    def read(self, at: int) -> int:
        """Read the mails that are new, and return the number of those that answer one of ours."""
        found = 0
        try:
            with open_folder(self._server, self._login, self._folder) as folder:
                with self._hub.store.read() as tx:
                    validity, last = outbox.mailbox(tx, self._folder)
                first = last + 1 if validity == folder.validity else 1
                for uid, size in folder.sizes(first)[:_AT_ONCE]:
                    data = folder.message(uid) if size <= _LONGEST else None
                    if data is None:
                        log.warning("dispatch-answer-unread uid=%d reason=too large, or removed", uid)
                    else:
                        found += self.take(data, at)
                    with self._hub.store.begin(in_passing=True) as tx:
                        outbox.set_mailbox(tx, self._folder, folder.validity, uid)
        except (TryLater, Misconfigured) as error:
            log.warning("dispatch-answers-unread reason=%s", error)
        return found

    def take(self, data: bytes, at: int) -> bool:
        """Store what a mail means; return whether it answers one of ours. The same mail twice changes nothing."""
        try:
            read = read_mail(data)
        except (ValueError, LookupError, TypeError, AttributeError):
            log.warning("dispatch-answer-unread reason=it is no mail that can be read")
            return False
        with self._hub.store.begin(in_passing=True) as tx:
            mail = _mail_of(tx, read)
            if mail is None:
                return bool(read.bounced) and note_returned(tx, read.ids, read.bounced)
            # A third person may have the forwarded report with its reference, so a subject alone is no bounce.
            if mail.id in read.ids and mail.address.lower() in read.bounced:
                _note_bounce(tx, mail, at)
                return True
            word = first_word(read.text)
            is_said = word in records.RESPONSES and not read.is_automatic
            rows = records.of_mail(tx, mail.id) if is_said and _is_of_addressee(read.sender, mail.address) else []
            if len(rows) == 1 and (rows[0].state, rows[0].response) == ("responded", word):
                # The mail was read before, or sent twice.
                return True
            is_response = len(rows) == 1 and rows[0].state == "mailed"
            if not is_response:
                _keep_answer(tx, mail, read, sha256(data).hexdigest(), at)
        if is_response:
            run(self._hub, RecordMailedResponse(id=rows[0].id, response=word), Actor.system("mailbox"))
        return True


def _keep_answer(tx: Tx, mail: DispatchMail, read: ReadMail, id_: str, at: int) -> None:
    """Store an answer for a person to read; an automatic one is read already."""
    if outbox.count_answers(tx, mail.id) >= _MOST_ANSWERS:
        log.warning("dispatch-answer-unread mail=%s reason=it has %d answers already", mail.id, _MOST_ANSWERS)
        return
    text = "\n".join(map(escaped, read.text[:_LONGEST_TEXT].splitlines()))
    outbox.add_answer(tx, MailedAnswer(id_, mail.id, at, text, "closed" if read.is_automatic else "open"))


def _is_of_addressee(sender: str, address: str) -> bool:
    """Return whether a mail says that it is from the addressee's domain, or below it; others' answers are read."""
    domain = address.rpartition("@")[2].lower()
    return f".{sender.rpartition('@')[2]}".endswith(f".{domain}")


def first_word(text: str) -> str:
    """Return the first line of an answer, if it is one word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line.lower().rstrip(".!")


def read_mail(data: bytes) -> ReadMail:
    """Return what a mail says. A part that cannot be read is left out. Raises ``MailRefused``."""
    message = parse_mail(data)
    parts = list(_parts(message))
    named = [str(value) for header in _HEADERS for value in message.get_all(header, [])]
    bounced: list[str] = []
    for part in parts:
        type_ = part.get_content_type()
        if type_ == "message/delivery-status":
            bounced += _failed(part)
        elif type_ in ("text/rfc822-headers", "message/rfc822"):
            named.append(_original_id(part))
    subject = str(message.get("Subject", ""))[:1_000]
    reference = _REFERENCE.search(subject)
    automatic = str(message.get("Auto-Submitted", "no")).lower().split(";")[0].strip() not in ("no", "")
    text = next((_text(part) for part in parts if part.get_content_type() == "text/plain"), "")
    ids = [found for name in named for found in _ID.findall(name[:10_000])]
    sender = parseaddr(str(message.get("From", ""))[:1_000])[1].lower()
    return ReadMail(sender, ids[-20:], reference[1] if reference else "", bounced, automatic, text)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            return
        yield part


def _failed(part: Message) -> list[str]:
    """Return the addresses that a delivery status says have no mailbox, for good (RFC 3464)."""
    found = []
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, Message):
            continue
        action, status = str(block.get("Action", "")).lower().strip(), str(block.get("Status", "")).strip()
        # 5.7: the sender or the content was refused, not the address.
        if action == "failed" and status.startswith("5.") and not status.startswith("5.7."):
            found.append(str(block.get("Final-Recipient", "")).rpartition(";")[2].strip().lower())
    return found


def _original_id(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return str(payload[0].get("Message-ID", ""))
    data = part.get_payload(decode=True)
    return str(parse_mail(data).get("Message-ID", "")) if isinstance(data, bytes) else ""


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    return data[: 4 * _LONGEST_TEXT].decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _mail_of(tx: Tx, read: ReadMail) -> DispatchMail | None:
    for id_ in reversed(read.ids):
        if (found := outbox.find(tx, id_)) is not None:
            return found
    return outbox.by_reference(tx, read.reference.lower()) if read.reference else None


def _note_bounce(tx: Tx, mail: DispatchMail, at: int) -> None:
    """Mark the address as bad, and let a person find another way."""
    if mail.state != "sent":
        return
    outbox.set_contact(tx, mail.address, "bad", None, at)
    for row in records.of_mail(tx, mail.id):
        if row.state == "mailed":
            records.change(tx, row, state="bad")
