"""The thread of dispatch: plans reports, finds their addressees, and sends mails; a slow server delays only these."""

import logging
from collections.abc import Mapping

from schemas.timestamp import find_zone
from server.features.dispatch import outbox, records
from server.features.dispatch.addressing import Addressing
from server.features.dispatch.composing import compose
from server.features.dispatch.mail_text import write
from server.features.dispatch.mailbox import AnswerMailbox
from server.features.dispatch.outbox import DispatchMail
from server.features.dispatch.planning import plan
from server.features.dispatch.records import Dispatch
from server.features.dispatch.xarf_reports import InvalidReport
from server.features.registries.pace import Pace
from server.features.registries.rdap import RdapClient
from server.features.registries.resolver import NameResolver
from server.features.reminders.mail_text import MailPlace
from server.features.reminders.smtp import NotSent, SmtpRelay, send_waiting
from server.jobs.repeated import LeasedStep
from server.release.hub import Hub
from server.settings import Settings
from server.store import StoreUnavailable
from server.store.database.engine import Tx
from server.store.database.times import now
from server.web.shell.languages import load_languages

log = logging.getLogger(__name__)

_SECONDS = 10.0
_AT_ONCE = 50
_KEPT = 400 * 86_400 * 1_000_000


class DispatchThread(LeasedStep):
    """Looks every ten seconds. One of all processes works, and each mail is sent by one."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        """Send the reports of ``hub`` by the mail server of ``settings``."""
        super().__init__(hub.store, "dispatch", _SECONDS, "dispatch waits", "dispatch failure")
        self._hub = hub
        self._store = hub.store
        self._settings = settings
        self._languages = load_languages(find_zone(settings.timezone or "UTC"))
        self._place = place_of(settings)
        pace = Pace(settings.registries_per_second, self._stopping)
        self._rdap = RdapClient(settings, hub.store, pace)
        resolver = NameResolver(settings.dns_servers, pace) if settings.dns_servers else None
        self._addressing = Addressing(hub.store, self._rdap, resolver)
        self._mailbox = AnswerMailbox(hub, settings) if settings.dispatch_imap_host else None

    def step(self, at: int | None = None) -> None:
        """Do what is due at a moment (microseconds)."""
        if not self._lease.holds():
            return
        at = now() if at is None else at
        self._rdap.refresh(at)
        with self._store.begin(in_passing=True) as tx:
            plan(tx, self._settings.dispatch_collection, at, resolves=bool(self._settings.dns_servers))
        self._addressing.look_up(at, self._is_over)
        compose(self._store, self._settings, at)
        self._send(at)
        if self._mailbox is not None:
            self._mailbox.read(at)
        self._forget(at)

    def _send(self, at: int) -> None:
        with self._store.read() as tx:
            waiting = outbox.due(tx, at, _AT_ONCE)
        send_waiting(self._settings, waiting, at, self._send_one, self._is_over)

    def _send_one(self, server: SmtpRelay, mail: DispatchMail, at: int) -> bool:
        """Send a mail; return False if the server cannot take any now."""
        with self._store.begin(in_passing=True) as tx:
            if not outbox.claim(tx, mail, at):
                return True
            rows = rows_of(tx, mail)
            if mail.purpose != "correction" and not rows:
                outbox.end(tx, mail.id, "discarded", at, "nothing-left")
                return True
            tokens = {row.id: records.token(tx, row.id) for row in rows}
        try:
            server.send(write(self._place, self._languages, mail, rows, tokens))
        except InvalidReport as error:
            log.warning("dispatch-invalid mail=%s fields=%s", mail.id, error)
            with self._store.begin(in_passing=True) as tx:
                self._fail(tx, mail, at, "invalid-report")
            return True
        except NotSent as failure:
            log.warning("dispatch-not-sent mail=%s why=%s", mail.id, failure.why)
            with self._store.begin(in_passing=True) as tx:
                if failure.for_good or not outbox.put_off(tx, mail, at, failure.why):
                    self._fail(tx, mail, at, failure.why)
                if failure.for_good and failure.of_address:
                    outbox.set_contact(tx, mail.address, "bad", None, at)
            return failure.of_address
        with self._store.begin(in_passing=True) as tx:
            outbox.end(tx, mail.id, "sent", at)
        return True

    @staticmethod
    def _fail(tx: Tx, mail: DispatchMail, at: int, why: str) -> None:
        """Give a mail up; a person has to find another way to the addressee of a report."""
        outbox.end(tx, mail.id, "failed", at, why)
        for row in records.of_mail(tx, mail.id) if mail.purpose != "correction" else ():
            if row.state == "mailed":
                records.change(tx, row, state="bad")

    def _forget(self, at: int) -> None:
        with self._store.read() as tx:
            is_left = bool(outbox.count(tx))
        if is_left:
            try:
                with self._store.begin(in_passing=True) as tx:
                    records.forget(tx, before=at - _KEPT)
                    outbox.forget(tx, before=at - _KEPT)
            except StoreUnavailable as error:
                log.warning("dispatch waits reason=%s", error)


def place_of(settings: Settings) -> MailPlace:
    """Return the hub as its mails name it."""
    return MailPlace(settings.owner or settings.title, settings.public_url.rstrip("/"), settings.dispatch_from)


def rows_of(tx: Tx, mail: DispatchMail) -> list[Dispatch]:
    """Return the reports that a mail has: the same ones at each attempt, without those that the hub withdrew since."""
    if mail.purpose == "correction":
        return []
    return [row for row in records.of_mail(tx, mail.id) if row.state not in ("ended", "corrected")]


def preview(tx: Tx, settings: Settings, mail: DispatchMail) -> Mapping[str, str]:
    """Return the subject and the text of a mail as it would be sent, without the tokens of its links."""
    rows = rows_of(tx, mail)
    languages = load_languages(find_zone(settings.timezone or "UTC"))
    message = write(place_of(settings), languages, mail, rows, {row.id: "…" for row in rows})
    body = message.get_body(("plain",))
    return {"subject": str(message["Subject"]), "text": "" if body is None else body.get_content()}
