"""Webhooks of reminders: each near or past deadline once, in at most one signed message an hour to an address."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import requests
from pydantic import Field, ValidationError

from feeds.errors import Misconfigured, TryLater
from feeds.settings import Secret
from feeds.transport.client import Bearer, OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.signing import WebhookSigner
from schemas import timestamp
from server.features.reminders import choices, due, outbox
from server.features.reminders.due import DueItem, DueTimes
from server.features.reminders.kinds import BY_NAME
from server.features.reminders.outbox import ReminderMail
from server.features.reminders.smtp import NotSent
from server.settings import BadConfiguration, Settings
from server.store import Store, partners
from server.store.database.engine import Tx
from server.store.database.times import stamp

_PEER = "url"
MOST_HOOKS = 100
_MOST_EVENTS = 1_000
_LONGEST_ANSWER = 64 * 1024


class ReminderHook(OutboundSettings):
    """A ``[[reminder_hook]]`` table: the address of a partner, or of the operators of this hub."""

    timeout: str = "10s"
    answer_within: str = "30s"
    retries: int = 0
    max_bytes: int = _LONGEST_ANSWER
    partner: Annotated[str, Field(max_length=200, description="the partner; empty: the operators of this hub")] = ""
    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the address that receives the messages")]
    secret: Annotated[Secret, Field(description="the signing secret, as whsec_…")]
    old_secret: Annotated[Secret | None, Field(description="the previous secret, during a replacement")] = None
    token: Annotated[Secret | None, Field(description="a Bearer token, if the address requires one")] = None

    @property
    def key(self) -> str:
        """Return the name of the hook in the outbox, which no user has."""
        return f"{choices.HOOK}{hashlib.sha256(orjson.dumps([self.partner, self.url])).hexdigest()[:24]}"


def hooks_of(settings: Settings) -> dict[str, ReminderHook]:
    """Return the hooks of the settings by key. Raises ``BadConfiguration``."""
    found: dict[str, ReminderHook] = {}
    for number, table in enumerate(settings.reminder_hook, 1):
        try:
            hook = ReminderHook.model_validate(table)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BadConfiguration(f"reminder_hook {number}: {place or 'table'}: {first['msg']}") from None
        found[hook.key] = hook
    if found and not settings.public_url:
        raise BadConfiguration("reminder_hook: its messages have links to pages: set public_url")
    return found


def store_due(store: Store, hooks: Mapping[str, ReminderHook], times: DueTimes, at: int) -> int:
    """Store a message for each hook for which something new is due, and return the number.

    The events of a message, and that they were told, are stored in one transaction.
    """
    at -= due.SETTLING
    with store.read() as tx:
        wanted = list(_new_messages(tx, hooks, times, at))
    made = 0
    for key, content in wanted:
        with store.begin(in_passing=True) as tx:
            if outbox.put(tx, key, "hook", content, at):
                choices.store(tx, choices.find(tx, key)._replace(told=at))
                made += 1
    return made


def _new_messages(
    tx: Tx, hooks: Mapping[str, ReminderHook], times: DueTimes, at: int
) -> Iterable[tuple[str, dict[str, Any]]]:
    known, left = choices.all_choices(tx, hooks), partners.departed_partners(tx)
    members = {partner.name for partner in partners.all_partners(tx)} - set(left)
    by_party: dict[str, Sequence[DueItem]] = {}
    for key, hook in hooks.items():
        if hook.partner and hook.partner not in members:
            continue
        if hook.partner not in by_party:
            by_party[hook.partner] = due.of_party(tx, hook.partner or None, times, at)
        told = known[key].told if key in known else 0
        # A clock that was ahead told of a time that has not come.
        told = told if told <= at else at - outbox.HOUR
        new = [item for item in by_party[hook.partner] if told < item.since <= at]
        if new:
            yield key, _content(new)


def _content(items: Sequence[DueItem]) -> dict[str, Any]:
    """Return the events, the first deadline first; ``more``: there are more than one message names."""
    events = [
        {
            "event": item.reminder,
            "since": stamp(item.since),
            "due": stamp(item.due) if item.due else None,
            "id": item.of or None,
            "path": item.path or BY_NAME[item.reminder].path,
        }
        for item in sorted(items, key=lambda item: (item.due or item.since, item.of))
    ]
    return {"events": events[:_MOST_EVENTS], "more": len(events) > _MOST_EVENTS or len(items) >= due.MOST}


class HookPost:
    """Posts the messages of one hub: the same message again has the same ``webhook-id`` and content."""

    def __init__(self, root: str) -> None:
        """Post links to pages below ``root``, the hub's address without a slash at the end."""
        self._root = root

    def send(self, hook: ReminderHook, mail: ReminderMail) -> None:
        """Post a message. Raises ``NotSent``."""
        body = self._body(mail).decode()
        try:
            secrets = [secret.reveal() for secret in (hook.secret, hook.old_secret) if secret is not None]
            signed = WebhookSigner(secrets).headers(f"msg_{mail.id}", datetime.now(UTC), body)
            with open_session(hook, hook.url) as session, peer_errors(_PEER):
                if hook.token is not None:
                    session.auth = Bearer(hook.token.reveal())
                given = {"Content-Type": "application/json", **signed}
                session.post(hook.url, data=body.encode(), headers=given).raise_for_status()
        except RequestRefused:
            raise NotSent("hook-refused", for_good=True) from None
        except Misconfigured as error:
            raise NotSent("hook-refused" if error.status else "hook-unusable") from None
        except (TryLater, requests.RequestException):
            raise NotSent("hook-unreached") from None

    def _body(self, mail: ReminderMail) -> bytes:
        events = [
            {name: text for name, text in event.items() if name != "path"} | {"page": self._root + event["path"]}
            for event in mail.values["events"]
        ]
        made = timestamp.text(datetime.fromtimestamp(mail.made / 1_000_000, UTC))
        data = {"more": mail.values["more"], "events": events}
        return orjson.dumps({"type": "deadlines.due", "timestamp": made, "data": data})
