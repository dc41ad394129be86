"""Posts events to an address of the partner, signed by Standard Webhooks."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import orjson
import requests
from pydantic import Field

from feeds.connector import Answer, Misconfigured, Outgoing, Push, PushSettings, Secret
from feeds.transport.client import Bearer, OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.envelopes import EnvelopeSender, check_no_page, check_whole, refused_answer
from feeds.transport.signing import WebhookSigner
from schemas import timestamp
from server.store import deliveries
from server.store.database.times import stamp
from server.store.item import Item
from server.store.liveness import heartbeats

_PEER = "url"


class WebhookPushSettings(OutboundSettings, PushSettings):
    """The address of the events, and the signing secrets."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the partner's address that receives the events")]
    secret: Annotated[Secret, Field(description="the signing secret shared with the partner, as whsec_…")]
    old_secret: Annotated[
        Secret | None, Field(description="the previous secret; events are also signed with it during a replacement")
    ] = None
    token: Annotated[Secret | None, Field(description="a Bearer token, if the address requires one")] = None
    most_bytes: Annotated[int, Field(ge=10_000, description="the largest message to send")] = 1 << 20


class WebhookPush(Push[WebhookPushSettings]):
    """Posts messages of events ``added``, ``changed`` and ``revoked``, each with the object as it is now.

    A repeated message has the same ``webhook-id``. In its response the partner may list objects that it does not
    accept: ``{"refused": [{"id": …, "message": …}]}``; any other 2xx accepts all.
    """

    name: ClassVar[str] = "webhook-push"
    proves_receipt: ClassVar[bool] = True
    settings_model = WebhookPushSettings

    def __init__(self, settings: WebhookPushSettings) -> None:
        super().__init__(settings)
        self._session: requests.Session | None = None
        self._signer: WebhookSigner | None = None
        self._outgoing: Outgoing | None = None
        self._envelopes = EnvelopeSender(_PEER, self._post, most_bytes=settings.most_bytes)

    def begin(self, outgoing: Outgoing) -> None:
        """Store the ledger of deliveries, which shows what is new to the partner."""
        self._outgoing = outgoing

    def check(self) -> None:
        self._open()
        try:
            self._post(())
        except RequestRefused as refusal:
            raise Misconfigured(f"{_PEER}: refuses a message without events ({refusal})") from refusal

    def verify(self, state: str, heartbeat: str | None) -> str:
        """Post a signed verification event with ``state``, which the address may send back."""
        self._open()
        now = datetime.now(UTC)
        data = {"collection": self._begun().collection.alias, "state": state, "heartbeat": heartbeat}
        body = orjson.dumps({"type": "feed.verification", "timestamp": timestamp.text(now), "data": data}).decode()
        echoed = _echoed(self._send(f"msg_verify_{hashlib.sha256(state.encode()).hexdigest()[:32]}", now, body))
        if echoed is None:
            return "accepted"
        if echoed != state:
            raise Misconfigured(f"{_PEER}: sent back a different state")
        return "sent the state back"

    def push(self, items: Sequence[Item]) -> list[Answer]:
        self._open()
        return self._envelopes.send(items)

    def _open(self) -> None:
        settings = self.settings
        if self._session is None:
            secrets = [secret.reveal() for secret in (settings.secret, settings.old_secret) if secret is not None]
            self._signer = WebhookSigner(secrets)
            # The partner recognises a repeated message by its id.
            opened = open_session(settings, settings.url, repeat_posts=True)
            if settings.token:
                opened.auth = Bearer(settings.token.reveal())
            self._session = opened

    def close(self) -> None:
        """Close the connection; the next run connects with the secrets that are valid then."""
        if self._session is not None:
            self._session.close()
        self._session = self._signer = None

    def _post(self, items: Sequence[Item]) -> list[Answer]:
        now = datetime.now(UTC)
        name = _message_id(self.settings.name, items, self._begun().replay)
        refusals = _refused(self._send(name, now, self._body(items, now)))
        return [
            refused_answer(item, refusals[item.id]) if item.id in refusals else Answer(item, True, "success")
            for item in items
        ]

    def _send(self, name: str, now: datetime, body: str) -> requests.Response:
        """Post a signed message, and return the response that accepts it."""
        assert self._session is not None and self._signer is not None  # noqa: S101, PT018 - opened by push
        signed = self._signer.headers(name, now, body)
        with peer_errors(_PEER):
            answer = self._session.post(
                self.settings.url, data=body.encode(), headers={"Content-Type": "application/json", **signed}
            )
            answer.raise_for_status()
        check_no_page(_PEER, answer)
        check_whole(_PEER, answer)
        return answer

    def _begun(self) -> Outgoing:
        if self._outgoing is None:
            raise Misconfigured("webhook-push: begin() comes before push()")
        return self._outgoing

    def _body(self, items: Sequence[Item], now: datetime) -> str:
        outgoing = self._begun()
        with outgoing.store.read() as tx:
            # In a replay it is not known what the partner still has.
            ids = () if outgoing.replay else (item.id for item in items)
            had = deliveries.known(tx, outgoing.feed, outgoing.partner, ids)
            current = heartbeats.current(tx).of(outgoing.collection)
        events = ",".join(f'{{"event":"{_event(item, had)}","object":{item.body.decode()}}}' for item in items)
        collection = orjson.dumps(outgoing.collection.alias).decode()
        heartbeat = orjson.dumps(None if current is None else stamp(current)).decode()
        return (
            f'{{"type":"objects.delivered","timestamp":"{timestamp.text(now)}",'
            f'"data":{{"collection":{collection},"heartbeat":{heartbeat},"events":[{events}]}}}}'
        )


def _event(item: Item, had: set[str]) -> str:
    if item.revoked:
        return "revoked"
    return "changed" if item.id in had else "added"


def _message_id(feed: str, items: Sequence[Item], replay: str) -> str:
    """Return an id derived from the deliveries in a message, the same for each repetition."""
    content = orjson.dumps([feed, [[item.id, item.version] for item in items], *([replay] if replay else [])])
    return f"msg_{hashlib.sha256(content).hexdigest()[:32]}"


def _echoed(answer: requests.Response) -> str | None:
    """Return the state that the partner sends back, None if it sends none."""
    try:
        document: Any = answer.json()
        return str(document["state"])
    except (requests.exceptions.JSONDecodeError, LookupError, TypeError):
        return None


def _refused(answer: requests.Response) -> dict[str, str]:
    """Return the partner's messages about objects that it does not accept, by id."""
    try:
        document: Any = answer.json()
        return {str(refusal["id"]): str(refusal.get("message", "")) for refusal in document["refused"]}
    except (requests.exceptions.JSONDecodeError, LookupError, TypeError, AttributeError):
        return {}
