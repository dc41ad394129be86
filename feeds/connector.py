"""Connectors: a pull brings items from a partner, a push delivers objects to one.

A connector is one module of ``feeds/connectors`` with its settings model in it, and is found by being there.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from feeds.errors import Misconfigured, TryLater
from feeds.mapping.rows import Reject
from feeds.readers.columns.notes import Tally
from feeds.settings import Duration, FeedSettings, PullSettings, PushSettings, Secret, duration
from server.store import Store
from server.store.collections import Collection
from server.store.item import Item

# A connector's module imports all of this from here.
__all__ = [
    "Answer",
    "Batch",
    "Connector",
    "Duration",
    "FeedSettings",
    "Gone",
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
        """Keep the settings; nothing is opened or asked before a run."""
        self._settings = settings

    @property
    def settings(self) -> S_co:
        """Return the settings."""
        return self._settings


class Gone(NamedTuple):
    """A value, or the id of an indicator, that a partner takes back, and the time, as STIX writes it, by its clock.

    No time means the present.
    """

    subject: str
    at: str = ""


@dataclass(frozen=True)
class Batch:
    """One part of a pull, and the checkpoint from which the next run would continue.

    ``items``: the STIX objects of each item.
    ``read``: the number of items looked at, those that are ``gone`` included.
    ``rejected``: the number of items refused, by reason; ``rejects``: those of them that can be shown as written.
    ``done``: files that have been read to their end (digest, name).
    ``gone``: what the partner takes back; a plain text where its time is not known.
    ``origins``: the file and line of each of ``items``.
    ``tally``: the number of rows, and of their cells that are not read.
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


class Pull(Connector[S_co]):
    """Brings items from a partner, batch by batch."""

    def begin(self, find: Callable[[Iterable[tuple[str, str]]], Mapping[tuple[str, str], Sequence[str]]]) -> None:
        """Prepare a run; ``find`` returns the ids of the partner's visible indicators of values (kind, normal form)."""

    @abstractmethod
    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Yield what came since ``checkpoint`` (None: everything); each batch is stored before the next is asked for.

        ``seen`` returns whether the file of a digest has been read to its end. A bad item is counted and does not end
        the run. Raises ``TryLater`` and ``Misconfigured``.
        """


class Answer(NamedTuple):
    """A peer's answer to one object: whether it accepted the object, and its words."""

    item: Item
    taken: bool
    text: str


class Outgoing(NamedTuple):
    """The store, collection, feed and partner of a run of a push.

    ``replay`` is the date from which everything is delivered again, empty for a run that delivers what is new.
    """

    store: Store
    collection: Collection
    feed: str
    partner: str
    replay: str = ""


class Push(Connector[S_co]):
    """Delivers objects to a partner."""

    def begin(self, outgoing: Outgoing) -> None:
        """Prepare a run for the partner of ``outgoing``, before the first objects."""

    def check(self) -> None:
        """Connect, log in and get an answer from the peer without delivering anything, as a dry run does.

        Raises ``TryLater`` and ``Misconfigured``.
        """
        self.push(())

    def verify(self, state: str, heartbeat: str | None) -> str:
        """Ask the peer to show that deliveries reach it, and return its answer in words; nothing is delivered.

        ``state`` is made for this question, and a peer that can sends it back. ``heartbeat`` is up to when the
        collection is current. A connector whose peer knows no such question checks its answer alone. Raises
        ``TryLater``, ``Misconfigured`` and ``RequestRefused``.
        """
        self.check()
        return "answers"

    @property
    def sends_alerts(self) -> bool:
        """Return whether this push sends the hub's own alerts, to people who run the hub."""
        return False

    def tell(self, text: str) -> None:
        """Send people an alert. Raises ``TryLater``, ``Misconfigured`` and ``RequestRefused``."""
        raise Misconfigured(f"{self.name}: tells people nothing")

    @abstractmethod
    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Deliver ``items`` and return the peer's answer to each; delivering again does no harm.

        A refused object is an answer and does not end the run. Raises ``TryLater`` and ``Misconfigured``.
        """

    def finish(self) -> None:
        """Finish after everything has been delivered, which may have been nothing.

        Raises ``TryLater`` and ``Misconfigured``; the next run does it again.
        """

    def close(self) -> None:
        """Close what a run has opened."""
