"""Posts the objects of a collection to a collection on a peer's TAXII 2.1 server."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Annotated, Any, ClassVar
from urllib.parse import urljoin

import requests
from pydantic import Field
from taxii2client.v21 import ApiRoot, Collection

from feeds.connector import Answer, Duration, Misconfigured, Outgoing, Push, PushSettings, TryLater, duration
from feeds.transport import taxii
from feeds.transport.client import LoginSettings, RequestRefused
from feeds.transport.envelopes import EnvelopeSender, refused_answer, skipped_answer
from feeds.transport.hub import PeerClient
from schemas.hub_report import OPEN
from server.features.federation import serving
from server.features.federation.desk import knowledge
from server.features.federation.settling import StoredHead
from server.release.peers import peer_reading_as
from server.store import feed_state, partners
from server.store.item import Item

logger = logging.getLogger(__name__)

_OPEN, _CLOSE = b'{"objects":[', b"]}"
# Runs that the peer may fail at the same objects before one of them counts as the cause.
_PATIENCE = 3
# The word of a checkpoint with the digests of the sent heads.
_HEADS = "heads"


class TaxiiPushSettings(LoginSettings, PushSettings):
    """The peer's collection, and the login."""

    url: Annotated[
        str, Field(pattern=r"^https?://\S+$", description="the peer's collection, or its API root with peer_collection")
    ]
    peer_collection: Annotated[str | None, Field(description="id or alias of the collection at the peer")] = None
    leave_out: Annotated[
        tuple[str, ...], Field(description="types of objects that the peer cannot store, such as extension-definition")
    ] = ()
    wait: Annotated[Duration, Field(description="how long to wait until the peer has processed an envelope")] = "60s"
    max_bytes: Annotated[
        int, Field(ge=1024, description="the largest envelope to send, and the largest response to accept")
    ] = 10 << 20


class _FaultyObjects(RequestRefused):
    """The peer accepts an envelope only without some of its objects; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(0)
        self.args = (text,)


class TaxiiPush(Push[TaxiiPushSettings]):
    """Posts envelopes as large as the peer allows; a refused one is halved until the object at fault is found."""

    name: ClassVar[str] = "taxii-push"
    proves_receipt: ClassVar[bool] = True
    settings_model = TaxiiPushSettings

    def __init__(self, settings: TaxiiPushSettings) -> None:
        super().__init__(settings)
        self._connection: Any = None
        self._collection: Any = None
        self._envelopes: EnvelopeSender | None = None
        self._failing: tuple[tuple[str, str, int], int] | None = None
        self._parting = False

    def push(self, items: Sequence[Item]) -> list[Answer]:
        envelopes = self._opened()
        left_out = self.settings.leave_out
        answers = [
            skipped_answer(item, "its type is excluded in the settings") for item in items if item.type in left_out
        ]
        return answers + envelopes.send([item for item in items if item.type not in left_out])

    def close(self) -> None:
        """Close the connection; the next run connects with the secrets that are valid then."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._collection = self._envelopes = None

    def _opened(self) -> EnvelopeSender:
        if self._envelopes is not None:
            return self._envelopes
        settings = self.settings
        self._connection = taxii.open_connection(settings, settings.url)
        url = taxii.collection_url(settings.url, settings.peer_collection)
        try:
            with taxii.taxii_errors(url):
                collection = taxii.open_collection(self._connection, Collection, url)
                if not collection.can_write:
                    raise Misconfigured(f"{url}: we may not write to this collection; ask the peer for access")
            limit = min(settings.max_bytes, self._taken_at_most(urljoin(url, "../../")))
        except RequestRefused as refusal:
            raise Misconfigured(f"{url}: no collection of TAXII 2.1 ({refusal})") from refusal
        self._collection = collection
        around = len(_OPEN + _CLOSE)
        self._envelopes = EnvelopeSender(settings.url, self._post, most_bytes=limit, around=around, between=1)
        return self._envelopes

    def _taken_at_most(self, root: str) -> int:
        """Return how many bytes the peer accepts at once; our own limit if it states none."""
        try:
            with taxii.taxii_errors(root):
                return int(ApiRoot(root, conn=self._connection).max_content_length)
        except (Misconfigured, RequestRefused, TryLater, ValueError):
            return self.settings.max_bytes

    def _post(self, items: list[Item]) -> list[Answer]:
        body = _OPEN + b",".join(item.body for item in items) + _CLOSE
        try:
            with taxii.taxii_errors(self.settings.url):
                status = self._collection.add_objects(body, wait_for_completion=False)
                if status.status != "complete":
                    self._wait(status)
                answers = _answers(items, status)
        except TryLater as error:
            if not self._is_at_fault(items, error):
                raise
            if self._parting:
                raise _FaultyObjects(str(error)) from error
            return self._parted(items, error)
        if status.failure_count > len(status.failures):
            raise _FaultyObjects("the peer rejects it without a message")
        return answers

    def _is_at_fault(self, items: list[Item], error: TryLater) -> bool:
        """Return whether the objects are at fault: the peer fails at the same ones in every run."""
        if _status(error) != requests.codes.internal_server_error:
            return False
        these = items[0].id, items[-1].id, len(items)
        times = self._failing[1] + 1 if self._failing and self._failing[0] == these else 1
        if not self._parting:
            self._failing = these, times
        return self._parting or times >= _PATIENCE

    def _parted(self, items: list[Item], error: TryLater) -> list[Answer]:
        """Find the objects that the peer fails at; if it fails at all of them, the peer has a problem instead."""
        self._parting = True
        try:
            answers = self._opened().send_halves(items, error)
        finally:
            self._parting = False
        if not any(answer.taken for answer in answers):
            raise error
        return answers

    def _wait(self, status: Any) -> None:
        """Request the status until the peer has finished or its time is over."""
        url = self.settings.url
        try:
            with taxii.taxii_errors(url):
                status.wait_until_final(0.5, duration(self.settings.wait).total_seconds())
        except (Misconfigured, RequestRefused) as error:
            # The peer lost the status in a restart, or never had it.
            raise TryLater(f"{url}: reported a pending status, and then lost it") from error


class HubPushSettings(TaxiiPushSettings):
    """The peer's API root, the login there, and the collection of hub reports to send."""

    collection: Annotated[
        str, Field(pattern="^hub-reports", description="hub-reports, or our collection for this peer, hub-reports-…")
    ] = "hub-reports"
    peer_collection: Annotated[str | None, Field(description="alias of the peer's inbox")] = "inbox"


class HubPush(TaxiiPush):
    """Posts hub reports, and then the changed heads, to the inbox of another hub that does not read from this one."""

    name: ClassVar[str] = "hub-push"
    settings_model = HubPushSettings

    def __init__(self, settings: HubPushSettings) -> None:
        super().__init__(settings)
        self._outgoing: Outgoing | None = None
        self._heads: Sequence[StoredHead] = ()

    def begin(self, outgoing: Outgoing) -> None:
        """Note the heads of the reports that the run will send. Raises ``Misconfigured`` for another partner."""
        with outgoing.store.read() as tx:
            if not partners.get(tx, outgoing.partner).peer:
                raise Misconfigured(f"partner: {outgoing.partner} is not a peer (scamfeed partner set --peer)")
            is_open = self.settings.collection == "hub-reports"
            # The reports up to these heads are in the collection already; newer ones may be sent too.
            reader = peer_reading_as(outgoing.peers, outgoing.partner)
            self._heads = [head for head in serving.heads_for(tx, reader) if (head.stream == OPEN) == is_open]
        self._outgoing = outgoing
        super().begin(outgoing)

    def finish(self) -> None:
        """Send the heads that changed since the last run, if any. Raises ``TryLater``."""
        outgoing = self._outgoing
        if outgoing is None:
            return
        with outgoing.store.read() as tx:
            sent: Mapping[str, str] = (feed_state.load_checkpoint(tx, outgoing.feed) or {}).get(_HEADS, {})
        digests = {f"{head.origin} {head.stream}": sha256(head.body).hexdigest()[:16] for head in self._heads}
        changed = [head.body for head in self._heads if sent.get(key := f"{head.origin} {head.stream}") != digests[key]]
        if not changed:
            return
        try:
            with closing(PeerClient(self.settings, self.settings.url)) as client:
                answer = client.send_heads(changed)
        except RequestRefused as refusal:
            raise Misconfigured(
                f"{self.settings.url}: refuses the heads ({refusal})", status=refusal.status
            ) from refusal
        if answer.refused or answer.incomplete:
            # Another peer of that hub may complete its set. Otherwise deliver the reports again: scamfeed feed replay.
            logger.warning(
                "heads-sent feed=%s refused=%s incomplete=%s", outgoing.feed, answer.refused, answer.incomplete
            )
        reader = peer_reading_as(outgoing.peers, outgoing.partner)
        with outgoing.store.begin() as tx:
            if reader is not None:
                knowledge.note(tx, reader.name, answer.number or 0, answer.retained)
            checkpoint = feed_state.load_checkpoint(tx, outgoing.feed) or {}
            feed_state.save_checkpoint(tx, outgoing.feed, {**checkpoint, _HEADS: digests})


def _answers(items: list[Item], status: Any) -> list[Answer]:
    """Return the result of each object, from the peer's status resource."""
    failures = {detail.get("id"): str(detail.get("message", "")) for detail in status.failures}
    pending = {detail.get("id") for detail in status.pendings}
    counted = status.success_count + status.failure_count + status.pending_count
    answers = []
    for item in items:
        if item.id in failures:
            answers.append(refused_answer(item, failures[item.id]))
        elif item.id in pending or status.status != "complete":
            answers.append(Answer(item, True, "pending"))
        elif counted < len(items):
            answers.append(Answer(item, True, f"unclear: the peer counts {counted} objects of {len(items)}"))
        else:
            answers.append(Answer(item, True, "success"))
    return answers


def _status(error: TryLater) -> int:
    """Return the HTTP status of an error; 0 if it has none."""
    cause = error.__cause__
    return cause.response.status_code if isinstance(cause, requests.HTTPError) and cause.response is not None else 0
