"""Sharing limits that name unregistered partners: a misspelt name, or a partner still to be added."""

from collections.abc import Iterable

from schemas.fields import Sharing
from server.store.partners import Registry


def count(limits: Iterable[Sharing | None], registry: Registry) -> int:
    """Return how many of ``limits`` name an organisation, as reader or as excluded, that is not a partner here."""
    return sum(1 for sharing in limits if sharing is not None and _names_unknown(sharing, registry))


def _names_unknown(sharing: Sharing, registry: Registry) -> bool:
    return not registry.called.issuperset((*sharing.only_partners, *sharing.not_to_partners))
