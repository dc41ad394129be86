"""Objects of a collection, posted to a collection of a peer's TAXII 2.1 server."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import urljoin

import requests
from pydantic import Field
from taxii2client.v21 import ApiRoot, Collection

from feeds.connector import Answer, Duration, Misconfigured, Push, PushSettings, TryLater, duration
from feeds.http import taxii
from feeds.http.failures import RequestRefused
from feeds.http.login import LoginSettings
from feeds.http.taxii_envelopes import refused_answer, skipped_answer
from server.store.item import Item

_OPEN, _CLOSE = b'{"objects":[', b"]}"
_MOST_REFUSED = 25
# Runs that the peer may fail at the same objects before it is taken to be about one of them.
_PATIENCE = 3


class TaxiiPushSettings(LoginSettings, PushSettings):
    """The peer's collection, and the login."""

    url: Annotated[
        str, Field(pattern=r"^https?://\S+$", description="the peer's collection, or its API root with peer_collection")
    ]
    peer_collection: Annotated[str | None, Field(description="id or alias of the collection at the peer")] = None
    leave_out: Annotated[
        tuple[str, ...], Field(description="types of objects that the peer cannot keep, as extension-definition")
    ] = ()
    wait: Annotated[Duration, Field(description="how long to wait for the peer to finish what it took")] = "60s"
    max_bytes: Annotated[
        int, Field(ge=1024, description="the largest envelope to send, and the largest answer to take")
    ] = 10 << 20


class TaxiiPush(Push[TaxiiPushSettings]):
    """Posts envelopes as large as the peer takes; a refused one is halved until the object at fault is found."""

    name: ClassVar[str] = "taxii-push"
    settings_model = TaxiiPushSettings

    def __init__(self, settings: TaxiiPushSettings) -> None:
        """Use ``settings``."""
        super().__init__(settings)
        self._connection: Any = None
        self._collection: Any = None
        self._limit = settings.max_bytes
        self._refused = 0
        self._failing: tuple[tuple[str, str, int], int] | None = None
        self._parting = False

    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Deliver ``items``, in order."""
        self._open()
        left_out = self.settings.leave_out
        answers = [skipped_answer(item, "of a type to be left out") for item in items if item.type in left_out]
        for envelope in self._envelopes([item for item in items if item.type not in left_out]):
            if len(envelope) == 1 and len(envelope[0].body) + len(_OPEN + _CLOSE) > self._limit:
                answers.append(
                    Answer(envelope[0], False, f"failed: larger than the {self._limit} bytes the peer takes")
                )
            else:
                answers += self._post(envelope)
        return answers

    def close(self) -> None:
        """Close the connection; the next run opens one with the secrets as they are then."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._collection = None

    def _open(self) -> None:
        if self._collection is not None:
            return
        settings = self.settings
        self._refused = 0
        self._connection = taxii.open_connection(settings, settings.url)
        url = taxii.collection_url(settings.url, settings.peer_collection)
        try:
            with taxii.taxii_errors(url):
                collection = taxii.open_collection(self._connection, Collection, url)
                if not collection.can_write:
                    raise Misconfigured(f"{url}: we may not write there; ask the peer for that right")
            self._limit = min(settings.max_bytes, self._taken_at_most(urljoin(url, "../../")))
        except RequestRefused as refusal:
            raise Misconfigured(f"{url}: no collection of TAXII 2.1 ({refusal})") from refusal
        self._collection = collection

    def _taken_at_most(self, root: str) -> int:
        """Return how many bytes the peer takes at once; our own limit if it does not say."""
        try:
            with taxii.taxii_errors(root):
                return int(ApiRoot(root, conn=self._connection).max_content_length)
        except (Misconfigured, RequestRefused, TryLater, ValueError):
            return self.settings.max_bytes

    def _envelopes(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        envelope: list[Item] = []
        size = len(_OPEN + _CLOSE)
        for item in items:
            more = len(item.body) + 1
            if envelope and size + more > self._limit:
                yield envelope
                envelope, size = [], len(_OPEN + _CLOSE)
            envelope.append(item)
            size += more
        if envelope:
            yield envelope

    def _post(self, items: list[Item]) -> list[Answer]:
        body = _OPEN + b",".join(item.body for item in items) + _CLOSE
        try:
            with taxii.taxii_errors(self.settings.url):
                status = self._collection.add_objects(body, wait_for_completion=False)
                if status.status != "complete":
                    self._wait(status)
                answers = _answers(items, status)
        except RequestRefused as refusal:
            return self._halved(items, refusal)
        except TryLater as error:
            if not self._is_at_fault(items, error):
                raise
            return self._parted(items, error)
        if status.failure_count > len(status.failures):
            return self._halved(items, "the peer fails it without a word")
        self._refused = 0
        return answers

    def _is_at_fault(self, items: list[Item], error: TryLater) -> bool:
        """Return whether the objects are at fault: the peer fails at the same ones in run after run."""
        if _status(error) != requests.codes.internal_server_error:
            return False
        these = items[0].id, items[-1].id, len(items)
        times = self._failing[1] + 1 if self._failing and self._failing[0] == these else 1
        if not self._parting:
            self._failing = these, times
        return self._parting or times >= _PATIENCE

    def _parted(self, items: list[Item], error: TryLater) -> list[Answer]:
        """Find the objects that the peer fails at; if it fails at all, the peer is in trouble, not the objects."""
        outermost, self._parting = not self._parting, True
        try:
            answers = self._halved(items, error)
        finally:
            if outermost:
                self._parting = False
        if outermost and not any(answer.taken for answer in answers):
            raise error
        return answers

    def _wait(self, status: Any) -> None:
        """Ask for the status until the peer has finished or its time is over."""
        url = self.settings.url
        try:
            with taxii.taxii_errors(url):
                status.wait_until_final(0.5, duration(self.settings.wait).total_seconds())
        except (Misconfigured, RequestRefused) as error:
            # What it took it has forgotten over a restart, or never had.
            raise TryLater(f"{url}: says that it is not finished, and knows nothing of it afterwards") from error

    def _halved(self, items: list[Item], refusal: object) -> list[Answer]:
        """Find the objects that the peer refuses, so that the rest of the envelope arrives."""
        if len(items) > 1:
            half = len(items) // 2
            return self._post(items[:half]) + self._post(items[half:])
        self._refused += 1
        if self._refused >= _MOST_REFUSED:
            raise TryLater(f"{self.settings.url}: refuses one object after another ({refusal})")
        return [Answer(items[0], False, f"failed: {refusal}")]


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
