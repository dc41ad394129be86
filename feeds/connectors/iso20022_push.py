"""Messages of ISO 20022 into a folder, from requests between institutions and responses to them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from feeds.connector import Answer, Misconfigured, Outgoing, Push, PushSettings
from feeds.transport.envelopes import skipped_answer
from feeds.transport.local import LocalFolder, TargetFolder
from feeds.transport.remote import Remote, RemoteFolder, RemoteSettings
from mappers import extension
from schemas import timestamp
from schemas.text import escaped
from server.features.iso20022 import desk
from server.features.iso20022.grammar import MISSING, is_installed
from server.features.iso20022.writing import WrittenMessage, write
from server.features.iso20022.xml import MessageRefused
from server.store import deliveries
from server.store.database.times import micros
from server.store.item import Item

_PROBE = "scamfeed-check.part"


class Iso20022PushSettings(RemoteSettings, PushSettings):
    """The folder of the messages. `collection` is the partner's own collection of requests (`requests-…`)."""

    path: Annotated[str, Field(min_length=1, description="an existing folder, here or at sftp:// or s3://")]


class Iso20022Push(Push[Iso20022PushSettings]):
    """Writes a camt.056 for each request to the partner, and a camt.029 or pacs.004 for each response to it.

    Each message is one file, complete under its name or not there. A request that no message can say is passed over,
    with the reason in the ledger of deliveries.
    """

    name: ClassVar[str] = "iso20022-push"
    settings_model = Iso20022PushSettings

    def __init__(self, settings: Iso20022PushSettings) -> None:
        super().__init__(settings)
        self._outgoing: Outgoing | None = None
        self._folder: TargetFolder | None = None

    def begin(self, outgoing: Outgoing) -> None:
        """Store the ledger of deliveries, which shows the steps that the partner has."""
        if not is_installed():
            raise Misconfigured(MISSING)
        self._outgoing = outgoing

    def check(self) -> None:
        """Write and remove a test file in the folder."""
        folder = self._opened()
        folder.put(_PROBE, lambda out: out.write(b"\n"))
        folder.remove(_PROBE)

    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Write the messages of the requests in ``items`` that the partner does not have."""
        views = {item.id: view for item in items if (view := _view(item)) is not None}
        had, agents = self._known(views)
        folder = self._opened()
        answers = []
        for item in items:
            if item.id not in views:
                answers.append(skipped_answer(item, "messages are about requests"))
                continue
            try:
                for message in _new(write(views[item.id], agents), views[item.id], had.get(item.id)):
                    folder.put(message.file_name, lambda out, data=message.data: out.write(data))  # type: ignore[misc] # bound
            except MessageRefused as refusal:
                answers.append(skipped_answer(item, refusal.message))
            else:
                answers.append(Answer(item, True, "success"))
        return answers

    def close(self) -> None:
        """Close the folder; the next run opens it with the credentials that are valid then."""
        if self._folder is not None:
            self._folder.close()
        self._folder = None

    def _opened(self) -> TargetFolder:
        if self._folder is None:
            path, is_remote = self.settings.path, self.settings.is_remote
            if not is_remote and not Path(path).is_dir():
                raise Misconfigured(f"path: the folder {escaped(path)} does not exist; create it first")
            self._folder = RemoteFolder(Remote(self.settings, path)) if is_remote else LocalFolder(Path(path))
        return self._folder

    def _known(self, views: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, int], dict[str, str | None]]:
        """Return by request the newest version that the partner has, and the agents of the partners in them."""
        outgoing = self._outgoing
        if outgoing is None:
            raise Misconfigured("iso20022-push: begin() comes before push()")
        had: dict[str, int] = {}
        with outgoing.store.read() as tx:
            found = [] if outgoing.replay else deliveries.to_partner(tx, outgoing.partner, views)
            agents = desk.agents(tx, {view[name] for view in views.values() for name in ("sender", "addressee")})
        for delivery in found:
            if delivery.feed == outgoing.feed and delivery.answer.startswith("success"):
                had[delivery.object_id] = max(had.get(delivery.object_id, 0), delivery.version or 0)
        return had, agents


def _view(item: Item) -> Mapping[str, Any] | None:
    """Return the request of a note, as its reader sees it; None for another object."""
    if item.type != "note" or item.revoked:
        return None
    view = extension.context_of(msgspec.json.decode(item.body)).get("request")
    return view if isinstance(view, dict) and "steps" in view else None


def _new(messages: Iterator[WrittenMessage], view: Mapping[str, Any], had: int | None) -> Iterator[WrittenMessage]:
    """Yield the messages of steps after the version that the partner has."""
    for message in messages:
        if had is None or micros(timestamp.parse(view["steps"][message.step]["at"])) > had:
            yield message
