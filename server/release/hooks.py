"""Hooks: what a feature adds to the release of contributions.

A feature declares them in its ``hooks.py``, as subclasses of the classes here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeVar

from schemas.discovery import declared_in
from schemas.errors import Rejected
from schemas.hub_message import HubMessage
from schemas.partner import Partner
from server.features_found import feature_modules
from server.release.context import ReleaseContext
from server.release.fuse.statements import HubStatements, ProviderFinding, ReportedValue
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.release.publish.listings import ListingState
from server.release.results import Results
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.reviews import Review

_Hook = TypeVar("_Hook")


class HandledObject(NamedTuple):
    """An object that a handler takes, with its content as the handler read it."""

    item: Item
    obj: dict[str, Any]
    content: Any


class Taking(NamedTuple):
    """The transaction in which a handler takes a partner's objects.

    ``contribute`` contributes further objects for the partner in the same transaction, and returns their results.
    ``by`` is the actor in the audit trail.
    """

    hub: Hub
    tx: Tx
    partner: Partner
    context: ReleaseContext
    contribute: Callable[[Sequence[Mapping[str, Any]]], Results]
    leave_for_end: bool
    by: str


class ContributionHandler(ABC):
    """Takes the objects of one feature; they are never stored as received."""

    # The STIX type of its objects.
    stix_type: ClassVar[str]

    @abstractmethod
    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether an object of this type is the feature's."""

    @abstractmethod
    def read(self, obj: dict[str, Any]) -> Any:
        """Return the content of an object. Raises ``Rejected``."""

    def values(self, tx: Tx, sent: Sequence[HandledObject]) -> set[str]:
        """Return the values that the transaction needs locked for these objects."""
        return set()

    @abstractmethod
    def take(self, taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
        """Store the objects one by one, and add their results; return what to do after the partner's other objects."""


class FindingListener(ABC):
    """Learns of each new finding of a provider, in the transaction that releases it."""

    @abstractmethod
    def found(
        self, context: ReleaseContext, value: ReportedValue, finding: ProviderFinding, state: ListingState
    ) -> None:
        """Note a finding about a value, and what it changes in the value's listings."""


class StatementSource(ABC):
    """Adds the statements of other hubs' partners; only a hub with peers asks it."""

    @abstractmethod
    def of(self, context: ReleaseContext, subjects: Set[str]) -> Mapping[str, HubStatements]:
        """Return the statements about each of these values that has any, in the state that the transaction sees."""


class ReleaseListener(ABC):
    """Learns of each value that a transaction released, in that transaction; only at a hub with peers or peer
    readers.
    """

    @abstractmethod
    def released(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note the values that were released, with the states of their listings by subject."""


class ListingListener(ABC):
    """Learns of each value that a transaction released, in that transaction; at a hub without followers only if
    one is not listed, is cleared, or has a coerced holder.
    """

    @abstractmethod
    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note the values whose listing changed, by the states of their listings by subject."""


class PeerTaking(NamedTuple):
    """The transaction in which handlers take the messages of a peer. ``refuse`` counts a message as refused."""

    hub: Hub
    tx: Tx
    peer: PeerHub
    context: ReleaseContext
    refuse: Callable[[HubMessage, Rejected], None]


class PeerMessageHandler(ABC):
    """Takes the messages of one feature that peers send to this hub; see ``server/store/peer_messages``."""

    # The kinds of its messages.
    kinds: ClassVar[frozenset[str]]

    @abstractmethod
    def take(self, taking: PeerTaking, sent: Sequence[HubMessage]) -> Callable[[], None]:
        """Take messages, each newer than those before it; return what to do after the peer's other objects."""


class ReviewListener(ABC):
    """Learns of decisions on reviews; only at a hub with peers."""

    @abstractmethod
    def decided(self, hub: Hub, tx: Tx, decided: Sequence[Review]) -> None:
        """Follow these decisions in their transaction."""


@cache
def every(hook: type[_Hook]) -> tuple[_Hook, ...]:
    """Return the hooks of a class of all features."""
    return tuple(declared() for module in feature_modules(".hooks") for declared in declared_in(module, hook))


def handler_of(obj: Mapping[str, Any]) -> ContributionHandler | None:
    """Return the handler that takes an object, or None if the release rules apply to it."""
    handlers: tuple[ContributionHandler, ...] = every(ContributionHandler)
    return next((handler for handler in handlers if handler.stix_type == obj["type"] and handler.takes(obj)), None)
