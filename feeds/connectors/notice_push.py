"""Notices for people in a chat: the number of new indicators and a link, never values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
import requests
from pydantic import Field

from feeds.connector import Answer, Misconfigured, Outgoing, Push, PushSettings, Secret
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.connections import check_url
from feeds.transport.envelopes import check_no_page, refused_answer, skipped_answer
from mappers import extension
from server.store import deliveries
from server.store.item import Item

_PEER = "url"
_OTHER = "other"


class NoticePushSettings(OutboundSettings, PushSettings):
    """The address of the notices, and the link in them."""

    url: Annotated[Secret, Field(description="the chat's incoming webhook; anybody who knows it can post")]
    field: Annotated[
        str,
        Field(pattern=r"^[A-Za-z_]{1,40}$", description="name of the message's text field; some chats expect content"),
    ] = "text"
    link: Annotated[str | None, Field(pattern=r"^https?://\S+$", description="page that the notice links to")] = None
    as_added: Annotated[bool, Field(description="with `every`: also post about a second after an object is added")] = (
        False
    )
    alerts: Annotated[
        bool, Field(description="also report silent sources (feeds.md); only for a chat of the hub's operators")
    ] = False
    batch: Annotated[int, Field(ge=1, le=10_000, description="items per batch; each batch is one notice")] = 10_000


class NoticePush(Push[NoticePushSettings]):
    """Posts one JSON message per batch: counts of new, changed and revoked indicators by kind, and of requests."""

    name: ClassVar[str] = "notice-push"
    settings_model = NoticePushSettings

    def __init__(self, settings: NoticePushSettings) -> None:
        super().__init__(settings)
        self._outgoing: Outgoing | None = None
        self._session: requests.Session | None = None
        self._url = ""

    def begin(self, outgoing: Outgoing) -> None:
        """Store the ledger of deliveries, which shows what is new to the partner."""
        self._outgoing = outgoing

    def check(self) -> None:
        """Check that the chat's server responds; only a notice would show whether it knows the chat."""
        opened = self._open()
        with peer_errors(_PEER):
            opened.head(self._url)

    @property
    def sends_alerts(self) -> bool:
        """Return whether the settings ask for alerts."""
        return self.settings.alerts

    def tell(self, text: str) -> None:
        self._post(text)

    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Post how many indicators, and requests between institutions, are in ``items``."""
        kinds = {item.id: kind for item in items if (kind := _kind(item))}
        counted = [item for item in items if item.id in kinds]
        others = [
            skipped_answer(item, "notices count indicators and requests") for item in items if item.id not in kinds
        ]
        if not counted:
            return others
        try:
            self._post(self._text(counted, kinds))
        except RequestRefused as refusal:
            # The chat refused the message as a whole, not any one object.
            return [refused_answer(item, refusal) for item in counted] + others
        return [Answer(item, True, "success") for item in counted] + others

    def close(self) -> None:
        """Close the connection; the next run connects with the secret that is valid then."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _open(self) -> requests.Session:
        if self._session is None:
            self._url = self.settings.url.reveal()
            try:
                check_url(self._url, credentials=True, allow_http=self.settings.allow_http)
            except ValueError as error:
                raise Misconfigured(f"url: {error}") from None
            self._session = open_session(self.settings, self._url)
        return self._session

    def _post(self, text: str) -> None:
        opened = self._open()
        with peer_errors(_PEER):
            answer = opened.post(self._url, json={self.settings.field: text})
            answer.raise_for_status()
        check_no_page(_PEER, answer)

    def _text(self, items: Sequence[Item], kinds: Mapping[str, str]) -> str:
        outgoing = self._outgoing
        if outgoing is None:
            raise Misconfigured("notice-push: begin() comes before push()")
        with outgoing.store.read() as tx:
            had = deliveries.known(tx, outgoing.feed, outgoing.partner, (item.id for item in items))
        counts: dict[str, Counter[str]] = {"new": Counter(), "changed": Counter(), "revoked": Counter()}
        for item in items:
            what = "revoked" if item.revoked else "changed" if item.id in had else "new"
            counts[what][kinds[item.id]] += 1
        parts = [
            f"{number.total():,} {what} ({', '.join(f'{kind}: {count:,}' for kind, count in number.most_common())})"
            for what, number in counts.items()
            if number
        ]
        return f"Scamfeed, {outgoing.collection.alias}: {'; '.join(parts)}" + (
            f" {self.settings.link}" if self.settings.link else ""
        )


def _kind(item: Item) -> str:
    """Return the kind in an indicator's labels, or the words for a request; "" for other objects."""
    if item.type not in ("indicator", "note"):
        return ""
    obj = msgspec.json.decode(item.body)
    words = extension.read_labels(obj.get("labels", ()))
    if item.type == "note" and "request" in words:
        named_by = extension.context_of(obj).get("request", {}).get("named_by")
        return f"{words['request'][0]} request" + (f" to an account named by {named_by}" if named_by else "")
    if item.type == "note":
        return ""
    return words.get("kind", [_OTHER])[0]
