"""Rows without a date that are sent again: they are the report that is stored, not a version with a later date."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from feeds.mapping.contribute import HubInbox
from feeds.mapping.records import Named
from server.release.results import Result, Unpublished
from server.store import inbox, partners
from server.store.database.times import micros
from server.store.item import Item

# After this time a row without a date states again that its value serves a scam.
REPEATED_WITHIN = timedelta(days=1)
_DATES = frozenset({"created", "modified", "object_modified", "valid_from", "valid_until"})


class RepeatsInbox(NamedTuple):
    """An inbox in which objects dated ``undated``, the moment of the request, may repeat stored ones.

    A stored object of the last day with the same content, apart from its dates, is sent in place of the new one: it is
    answered as it is now, and nothing changes.
    """

    inbox: HubInbox
    undated: datetime

    def find(self, values: Iterable[Named]) -> Mapping[Named, Sequence[str]]:
        """Return the ids of the indicators of values that the partner can see."""
        return self.inbox.find(values)

    def put(self, items: Sequence[Item]) -> Mapping[str, tuple[Result, Unpublished]]:
        """Contribute objects, and return the results of the unpublished ones, by id."""
        at, oldest = micros(self.undated), micros(self.undated - REPEATED_WITHIN)
        new = [item.id for item in items if item.version == at]
        with self.inbox.hub.store.read() as tx:
            space = partners.space(tx, self.inbox.partner.name)
            stored = {id_: item for id_, item in inbox.of_partner(tx, space, new).items() if _is_of(item, oldest, at)}
        return self.inbox.put([_repeated(item, stored.get(item.id)) for item in items])


def _is_of(item: Item, oldest: int, at: int) -> bool:
    return not item.revoked and item.version is not None and oldest < item.version <= at


def _repeated(item: Item, stored: Item | None) -> Item:
    """Return the stored object if ``item`` is the same apart from its dates, else ``item``."""
    return stored if stored is not None and _undated(item) == _undated(stored) else item


def _undated(item: Item) -> dict[str, Any]:
    obj: dict[str, Any] = msgspec.json.decode(item.body)
    return {name: value for name, value in obj.items() if name not in _DATES}
