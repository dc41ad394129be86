"""Connectors: a pull reads items from a partner, a push delivers objects to one.

A connector is one module in ``feeds/connectors`` that contains its settings model; it is found automatically.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from feeds.errors import Misconfigured, TryLater
from feeds.mapping.rows import Reject
from feeds.readers.rows import Tally
from feeds.settings import Duration, FeedSettings, PullSettings, PushSettings, Secret, duration
from schemas.partner import Partner
from server.release.peers import PeerHub
from server.store import Store
from server.store.collections import Collection
from server.store.item import Item

if TYPE_CHECKING:
    from feeds.runs.run import RunContext
    from feeds.transport.change_streams import ChangeStream

# A connector's module imports everything it needs from here.
__all__ = [
    "Answer",
    "Batch",
    "Connector",
    "Duration",
    "Exchange",
    "FeedSettings",
    "Gone",
    "Incoming",
    "Misconfigured",
    "Outgoing",
    "Pull",
    "PullSettings",
    "Push",
    "PushSettings",
    "Secret",
    "TryLater",
    "duration",
]

S_co = TypeVar("S_co", bound=FeedSettings, covariant=True)


class Connector(ABC, Generic[S_co]):
    """A feed that can run. ``name`` is the word in the configuration, ``settings_model`` the model of its settings."""

    name: ClassVar[str]
    settings_model: type[S_co]

    def __init__(self, settings: S_co) -> None:
        """Store the settings; nothing is opened or requested before a run."""
        self._settings = settings

    @property
    def settings(self) -> S_co:
        """Return the settings."""
        return self._settings

    def follow(self, ring: Callable[[], None]) -> "ChangeStream | None":
        """Follow a stream of changes at the peer until it is stopped; ``ring`` asks for a run. None without one."""
        return None


class Gone(NamedTuple):
    """A value, or the id of an indicator, that a partner withdraws, with the time by its clock in STIX format.

    Without a time it counts as withdrawn now.
    """

    subject: str
    at: str = ""


@dataclass(frozen=True)
class Batch:
    """One part of a pull, and the checkpoint from which the next run would continue.

    ``items``: the STIX objects of each item.
    ``read``: the number of items read, including the ``gone`` ones.
    ``rejected``: the number of refused items by reason; ``rejects``: those that can be shown as written.
    ``done``: files that have been read to their end (digest, name).
    ``gone``: withdrawn items; a plain text if the time is unknown.
    ``origins``: the file and line of each of ``items``.
    ``tally``: the number of rows, and of their unread cells.
    """

    items: Sequence[Sequence[dict[str, Any]]]
    checkpoint: dict[str, Any]
    read: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    done: Sequence[tuple[str, str]] = ()
    gone: Sequence[str | Gone] = ()
    rejects: Sequence[Reject] = ()
    origins: Sequence[tuple[str, int]] = ()
    tally: Tally = field(default_factory=Tally)


class Incoming(NamedTuple):
    """The store of a run of a pull, and the partner in whose name it contributes."""

    store: Store
    partner: Partner


class Pull(Connector[S_co]):
    """Reads items from a partner, batch by batch."""

    def prepare(self, incoming: Incoming) -> None:
        """Prepare a run whose items depend on stored data of the partner. Raises ``Misconfigured``."""

    def begin(self, find: Callable[[Iterable[tuple[str, str]]], Mapping[tuple[str, str], Sequence[str]]]) -> None:
        """Prepare a run; ``find`` returns the ids of the partner's visible indicators of values (kind, normal form)."""

    @abstractmethod
    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield the items since ``checkpoint`` (None: all); each batch is stored before the next is requested.

        ``seen`` returns whether the file with a digest has been read to its end. A bad item is counted and does not end
        the run. Raises ``TryLater`` and ``Misconfigured``.
        """


class Exchange(Connector[S_co]):
    """Reads objects of another hub and stores them itself, with its checkpoint: they are nobody's contributions."""

    @abstractmethod
    def exchange(self, work: "RunContext") -> None:
        """Do one round. Raises ``TryLater`` and ``Misconfigured``."""


class Answer(NamedTuple):
    """A peer's answer to one object: whether it accepted the object, its message, and its own id of the object."""

    item: Item
    taken: bool
    text: str
    remote: str = ""


class Outgoing(NamedTuple):
    """The store, collection, feed and partner of a run of a push.

    ``replay`` is the date from which everything is delivered again, empty for a normal run. ``peers`` are other
    hubs.
    """

    store: Store
    collection: Collection
    feed: str
    partner: str
    replay: str = ""
    peers: Sequence[PeerHub] = ()


class Push(Connector[S_co]):
    """Delivers objects to a partner.

    ``proves_receipt``: an accepted object reached the partner's own system, which starts the clock of a request.
    """

    proves_receipt: ClassVar[bool] = False

    def begin(self, outgoing: Outgoing) -> None:
        """Prepare a run for the partner of ``outgoing``, before the first objects."""

    def check(self) -> None:
        """Connect, log in and get a response from the peer without delivering anything, as a dry run does.

        Raises ``TryLater`` and ``Misconfigured``.
        """
        self.push(())

    def verify(self, state: str, heartbeat: str | None) -> str:
        """Ask the peer to show that deliveries reach it, and return its answer as text; nothing is delivered.

        ``state`` is unique to this request; a peer that supports it sends it back. The collection is current up to
        ``heartbeat``. A connector whose peer has no such request only checks that the peer responds. Raises
        ``TryLater``, ``Misconfigured`` and ``RequestRefused``.
        """
        self.check()
        return "answers"

    @property
    def sends_alerts(self) -> bool:
        """Return whether this push sends the hub's own alerts to its operators."""
        return False

    def tell(self, text: str) -> None:
        """Send an alert to people. Raises ``TryLater``, ``Misconfigured`` and ``RequestRefused``."""
        raise Misconfigured(f"{self.name}: tells people nothing")

    @abstractmethod
    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Deliver ``items`` and return the peer's answer to each; repeating a delivery is harmless.

        A refused object is an answer and does not end the run. Raises ``TryLater`` and ``Misconfigured``.
        """

    def noted(self, items: Sequence[Item]) -> Sequence[Item] | None:
        """Return those of ``items`` to note before they are sent: the peer may have them if the run dies meanwhile.

        A push that corrects only what was sent needs this. None: all, if the settings select indicators.
        """
        return None

    def finish(self) -> None:
        """Finish after everything has been delivered, even if there was nothing to deliver.

        Raises ``TryLater`` and ``Misconfigured``; the next run repeats it.
        """

    def close(self) -> None:
        """Close the resources of a run."""
