"""Indicators of a collection on another TAXII server, 2.1 or 2.0."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import Field, field_validator
from taxii2client.v20 import Collection as Collection20
from taxii2client.v21 import Collection as Collection21

from feeds.connector import Batch, Misconfigured, Pull, PullSettings
from feeds.mapping.batches import PeerObjects
from feeds.mapping.options import Options
from feeds.transport import taxii
from feeds.transport.change_streams import ChangeStream
from feeds.transport.client import LoginSettings, RequestRefused
from feeds.transport.taxii import prefetch
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Word

_VERSIONS: dict[str, tuple[Any, taxii.Pager, str]] = {
    "2.1": (Collection21, taxii.pages_2_1, taxii.MEDIA_TYPE),
    "2.0": (Collection20, taxii.pages_2_0, "application/vnd.oasis.taxii+json; version=2.0"),
}


class TaxiiPullSettings(LoginSettings, PullSettings):
    """The peer's collection, and the login."""

    url: Annotated[
        str, Field(pattern=r"^https?://\S+$", description="the peer's collection, or its API root with peer_collection")
    ]
    peer_collection: Annotated[str | None, Field(description="id or alias of the collection at the peer")] = None
    version: Annotated[Literal["2.1", "2.0"], Field(description="of TAXII")] = "2.1"
    added_after: Annotated[
        str | None, Field(description="the first run skips objects added before this time; RFC 3339 or a date")
    ] = None
    streams: Annotated[
        bool, Field(description="also run as soon as the collection changes, if the peer offers streams of changes")
    ] = True
    scam_type: Annotated[Word | None, Field(description="scam type of indicators without one")] = None

    @field_validator("added_after")
    @classmethod
    def _a_moment(cls, text: str | None) -> str | None:
        try:
            return None if text is None else timestamp.text(timestamp.parse(text))
        except Rejected as refusal:
            raise ValueError(refusal.message) from None


class TaxiiPull(Pull[TaxiiPullSettings]):
    """Reads the objects added since the last run, one page per batch, and contributes them in the partner's name.

    Indicators that the peer revokes are retracted.
    """

    name: ClassVar[str] = "taxii-pull"
    settings_model = TaxiiPullSettings

    def follow(self, ring: Callable[[], None]) -> ChangeStream | None:
        collection = taxii.collection_url(self.settings.url, self.settings.peer_collection)
        named = PurePosixPath(unquote(urlsplit(collection).path)).name
        if not self.settings.streams or self.settings.version != "2.1" or "/collections/" not in collection:
            return None
        return ChangeStream(self.settings, urljoin(collection, "../../"), named, ring)

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        settings = self.settings
        defaults = {"scam_type": settings.scam_type} if settings.scam_type else {}
        checkpoint = checkpoint or {"added_after": settings.added_after}
        peer_objects = PeerObjects(
            Options(reporter=settings.contribute_as, defaults=defaults), markings=checkpoint.get("markings")
        )
        kind, pages, media_type = _VERSIONS[settings.version]
        with closing(taxii.open_connection(settings, settings.url, version=settings.version)) as connection:
            collection = self._collection(connection, kind, media_type)
            before = checkpoint
            for page in prefetch(pages(collection, taxii.LastHeaders(connection), settings.batch, checkpoint)):
                yield from _batches(peer_objects, page.objects, settings.batch, before, page.checkpoint)
                before = page.checkpoint

    def _collection(self, connection: Any, kind: Any, media_type: str) -> Any:
        url = taxii.collection_url(self.settings.url, self.settings.peer_collection)
        try:
            with taxii.taxii_errors(url):
                collection = taxii.open_collection(connection, kind, url, media_type)
                if not collection.can_read:
                    raise Misconfigured(f"{url}: we may not read this collection; ask the peer for access")
        except RequestRefused as refusal:
            raise Misconfigured(f"{url}: no collection of TAXII {self.settings.version} ({refusal})") from refusal
        return collection


def _batches(
    peer_objects: PeerObjects, objects: list[Any], size: int, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Batch]:
    """Yield the objects of a page in batches of ``size``: peers may send more than requested.

    The page is finished only after its last batch.
    """
    for start in range(0, len(objects) or 1, size):
        adopted = peer_objects.adopt(objects[start : start + size])
        ended = start + size >= len(objects)
        kept = {**(after if ended else before), "markings": peer_objects.markings}
        yield Batch(adopted.items, kept, adopted.read, adopted.rejected, gone=adopted.gone)
