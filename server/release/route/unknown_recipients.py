"""Limits that name partners who never took part here: a slip of the pen, or a partner that is yet to be added."""

from collections.abc import Iterable

from schemas.sharing import Sharing
from server.store.partners import Registry


def count(limits: Iterable[Sharing | None], registry: Registry) -> int:
    """Return how many of ``limits`` name, as readers or as those who must not read, somebody who is no partner here."""
    return sum(1 for sharing in limits if sharing is not None and _names_unknown(sharing, registry))


def _names_unknown(sharing: Sharing, registry: Registry) -> bool:
    return not registry.called.issuperset((*sharing.only_partners, *sharing.not_to_partners))
