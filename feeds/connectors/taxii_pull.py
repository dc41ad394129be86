"""Indicators of a collection of another TAXII server, 2.1 or 2.0."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator
from taxii2client.v20 import Collection as Collection20
from taxii2client.v21 import Collection as Collection21

from feeds.connector import Batch, Misconfigured, Pull, PullSettings
from feeds.http import taxii, taxii_pages
from feeds.http.failures import RequestRefused
from feeds.http.login import LoginSettings
from feeds.mapping.options import Options
from feeds.mapping.peer_objects import PeerObjects
from feeds.runs.prefetch import prefetch
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Word

_VERSIONS: dict[str, tuple[Any, taxii_pages.Pager, str]] = {
    "2.1": (Collection21, taxii_pages.pages_2_1, taxii.MEDIA_TYPE),
    "2.0": (Collection20, taxii_pages.pages_2_0, "application/vnd.oasis.taxii+json; version=2.0"),
}


class TaxiiPullSettings(LoginSettings, PullSettings):
    """The peer's collection, and the login."""

    url: Annotated[
        str, Field(pattern=r"^https?://\S+$", description="the peer's collection, or its API root with peer_collection")
    ]
    peer_collection: Annotated[str | None, Field(description="id or alias of the collection at the peer")] = None
    version: Annotated[Literal["2.1", "2.0"], Field(description="of TAXII")] = "2.1"
    added_after: Annotated[
        str | None, Field(description="the first run leaves out what was added before; RFC 3339 or a date")
    ] = None
    scam_type: Annotated[Word | None, Field(description="scam type of indicators that say none")] = None

    @field_validator("added_after")
    @classmethod
    def _a_moment(cls, text: str | None) -> str | None:
        try:
            return None if text is None else timestamp.text(timestamp.parse(text))
        except Rejected as refusal:
            raise ValueError(refusal.message) from None


class TaxiiPull(Pull[TaxiiPullSettings]):
    """Reads what was added since the last run, a page a batch, and contributes it in the partner's name.

    Indicators that the peer revokes are retracted.
    """

    name: ClassVar[str] = "taxii-pull"
    settings_model = TaxiiPullSettings

    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the indicators added since ``checkpoint``."""
        settings = self.settings
        defaults = {"scam_type": settings.scam_type} if settings.scam_type else {}
        checkpoint = checkpoint or {"added_after": settings.added_after}
        peer_objects = PeerObjects(
            Options(reporter=settings.contribute_as, defaults=defaults), markings=checkpoint.get("markings")
        )
        kind, pages, media_type = _VERSIONS[settings.version]
        with closing(self._connection()) as connection:
            collection = self._collection(connection, kind, media_type)
            before = checkpoint
            for page in prefetch(pages(collection, taxii_pages.LastHeaders(connection), settings.batch, checkpoint)):
                yield from _batches(peer_objects, page.objects, settings.batch, before, page.checkpoint)
                before = page.checkpoint

    def _connection(self) -> Any:
        settings = self.settings
        return taxii.open_connection(settings, settings.url, version=settings.version)

    def _collection(self, connection: Any, kind: Any, media_type: str) -> Any:
        url = taxii.collection_url(self.settings.url, self.settings.peer_collection)
        try:
            with taxii.taxii_errors(url):
                collection = taxii.open_collection(connection, kind, url, media_type)
                if not collection.can_read:
                    raise Misconfigured(f"{url}: we may not read there; ask the peer for that right")
        except RequestRefused as refusal:
            raise Misconfigured(f"{url}: no collection of TAXII {self.settings.version} ({refusal})") from refusal
        return collection


def _batches(
    peer_objects: PeerObjects, objects: list[Any], size: int, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Batch]:
    """Yield the objects of a page in batches of ``size``: peers may send more than was asked for.

    The page is done only after its last batch.
    """
    for start in range(0, len(objects) or 1, size):
        adopted = peer_objects.adopt(objects[start : start + size])
        ended = start + size >= len(objects)
        kept = {**(after if ended else before), "markings": peer_objects.markings}
        yield Batch(adopted.items, kept, adopted.read, adopted.rejected, gone=adopted.gone)
