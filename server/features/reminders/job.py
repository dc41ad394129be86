"""The threads of reminders: each finds what is due, stores mails or messages to webhooks, and sends them."""

import logging

from schemas.timestamp import find_zone
from server.features.reminders import choices, hooks, outbox
from server.features.reminders.digest import store_due
from server.features.reminders.due import DueTimes
from server.features.reminders.mail_text import MailPlace, default_language, write
from server.features.reminders.outbox import ReminderMail
from server.features.reminders.smtp import NotSent, SmtpRelay, send_waiting
from server.jobs.repeated import RepeatedStep
from server.settings import Settings
from server.store import Store
from server.store.database.times import now
from server.store.operators import users
from server.web.shell.languages import load_languages

log = logging.getLogger(__name__)

_SECONDS = 30.0
_AT_ONCE = 50
_KEPT = 30 * 24 * outbox.HOUR


class ReminderThread(RepeatedStep):
    """Looks every thirty seconds. Of all processes and nodes, one stores each mail, and one sends it."""

    begins_at_once = False

    def __init__(self, store: Store, settings: Settings) -> None:
        """Remind the users of ``store`` by the mail server of ``settings``."""
        super().__init__("reminders", _SECONDS, "reminders wait", "reminders failure")
        self._store = store
        self._settings = settings
        self._languages = load_languages(find_zone(settings.timezone or "UTC"))
        self._place = MailPlace(settings.title, settings.public_url.rstrip("/"), settings.mail_from)

    def step(self, at: int | None = None) -> None:
        """Store the mails that are due at a moment (microseconds), and send those that wait."""
        at = now() if at is None else at
        if made := store_due(self._store, DueTimes.of(self._settings), at):
            log.info("reminders-stored mails=%d", made)
        self._send(at)
        _forget(self._store, at)

    def _send(self, at: int) -> None:
        with self._store.read() as tx:
            waiting = outbox.due(tx, at, _AT_ONCE, outbox.MAILS)
        send_waiting(self._settings, waiting, at, self._send_one, self._stopping.is_set)

    def _send_one(self, server: SmtpRelay, mail: ReminderMail, at: int) -> bool:
        """Send a mail; return False if the server cannot take any now."""
        with self._store.begin(in_passing=True) as tx:
            if not outbox.claim(tx, mail, at):
                return True
            user, chosen = users.by_id(tx, mail.user), choices.find(tx, mail.user)
            address = None if user is None else self._address(user, chosen, mail)
            if user is None or address is None:
                outbox.end(tx, mail, "failed", at, "no-address")
                return True
            purpose = f"confirm:{address}" if mail.purpose == "confirm" else "stop"
            token = choices.sign(tx, user.id, purpose)
        language = self._languages[chosen.language or default_language(self._settings)]
        try:
            server.send(write(self._place, language, user, address, token, mail))
        except NotSent as failure:
            log.warning("reminder-not-sent mail=%s why=%s", mail.id, failure.why)
            with self._store.begin(in_passing=True) as tx:
                outbox.put_off(tx, mail, at, failure.why, for_good=failure.for_good)
                if failure.for_good and failure.of_address:
                    choices.store(tx, choices.find(tx, user.id)._replace(refused=address))
            return failure.of_address
        with self._store.begin(in_passing=True) as tx:
            outbox.end(tx, mail, "sent", at)
        return True

    @staticmethod
    def _address(user: users.User, chosen: choices.Choices, mail: ReminderMail) -> str | None:
        if mail.purpose == "confirm":
            return chosen.address if chosen.confirmed is None else None
        return choices.address_of(user, chosen)


class HookThread(RepeatedStep):
    """Looks every thirty seconds. Of all processes and nodes, one stores each message, and one posts it.

    It has a thread of its own: a webhook that hangs delays no mail.
    """

    begins_at_once = False

    def __init__(self, store: Store, settings: Settings) -> None:
        """Post to the ``[[reminder_hook]]`` tables of ``settings``. Raises ``BadConfiguration``."""
        super().__init__("reminder-hooks", _SECONDS, "reminder webhooks wait", "reminder webhooks failure")
        self._store = store
        self._settings = settings
        self._hooks = hooks.hooks_of(settings)
        self._post = hooks.HookPost(settings.public_url.rstrip("/"))

    def step(self, at: int | None = None) -> None:
        """Store the messages that are due at a moment (microseconds), and post those that wait."""
        at = now() if at is None else at
        if made := hooks.store_due(self._store, self._hooks, DueTimes.of(self._settings), at):
            log.info("reminder-hooks-stored messages=%d", made)
        with self._store.read() as tx:
            waiting = outbox.due(tx, at, _AT_ONCE, outbox.HOOKS)
        for mail in waiting:
            if self._stopping.is_set():
                break
            self._send(mail, at)
        _forget(self._store, at)

    def _send(self, mail: ReminderMail, at: int) -> None:
        hook = self._hooks.get(mail.user)
        with self._store.begin(in_passing=True) as tx:
            if not outbox.claim(tx, mail, at):
                return
            if hook is None:
                outbox.end(tx, mail, "failed", at, "no-hook")
                return
        try:
            self._post.send(hook, mail)
        except NotSent as failure:
            log.warning("reminder-hook-not-sent message=%s why=%s", mail.id, failure.why)
            with self._store.begin(in_passing=True) as tx:
                outbox.put_off(tx, mail, at, failure.why, for_good=failure.for_good)
            return
        with self._store.begin(in_passing=True) as tx:
            outbox.end(tx, mail, "sent", at)


def _forget(store: Store, at: int) -> None:
    with store.read() as tx:
        is_left = outbox.totals(tx, 0) != (0, None, 0, 0)
    if is_left:
        with store.begin(in_passing=True) as tx:
            outbox.forget(tx, before=at - _KEPT)
            choices.forget_removed(tx)
