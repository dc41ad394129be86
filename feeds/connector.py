"""What a connector is: a pull brings items from a partner, a push takes objects to one.

A connector is one file of ``feeds/connectors`` with its settings model in it, and is found by being there.
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

# What a connector's file needs comes from here.
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
    """A feed that can run. ``name`` is the word in the configuration, ``settings_model`` what may stand there."""

    name: ClassVar[str]
    settings_model: type[S_co]

    def __init__(self, settings: S_co) -> None:
        """Take the settings; nothing is opened or asked before a run."""
        self._settings = settings

    @property
    def settings(self) -> S_co:
        """Give the settings."""
        return self._settings


class Gone(NamedTuple):
    """What a partner takes back: a value, or the id of an indicator; and when, as STIX writes times, by its clock.

    Where it does not say when, that is the present.
    """

    subject: str
    at: str = ""


@dataclass(frozen=True)
class Batch:
    """Part of what a pull brings, and the checkpoint from which the next run would go on.

    ``items`` holds the STIX objects of each item; ``read`` counts the items looked at, ``rejected`` those refused, by
    reason; ``done`` names files that have been read to their end (digest, name); ``gone`` is what the partner takes
    back, in plain text where nothing is known of when: it counts among the ``read``; ``rejects`` shows what was refused
    as it was written, as far as that is at hand; ``origins`` says from which line of which file each of ``items`` is;
    ``tally`` counts rows and what of them is not read.
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
        """Be told, before a run, what finds the indicators of values (kind, normal form) that the partner may see."""

    @abstractmethod
    def pull(self, checkpoint: dict[str, Any] | None, seen: Callable[[str], bool]) -> Iterator[Batch]:
        """Give what came since ``checkpoint`` (None: everything); each batch is stored before the next is asked for.

        ``seen`` tells whether a file of a digest has been done. A bad item is counted, never an end. Raises
        ``TryLater`` and ``Misconfigured``.
        """


class Answer(NamedTuple):
    """What a peer said to one object: whether it took it, and in which words."""

    item: Item
    taken: bool
    text: str


class Outgoing(NamedTuple):
    """Whom a run of a push is for, from which collection of which store."""

    store: Store
    collection: Collection
    feed: str
    partner: str


class Push(Connector[S_co]):
    """Takes objects to a partner."""

    def begin(self, outgoing: Outgoing) -> None:
        """Be told, before the first objects of a run, whom they are for."""

    def check(self) -> None:
        """Open the connection, log in and have the peer answer, without giving it anything: what a dry run does.

        Raises ``TryLater`` and ``Misconfigured``.
        """
        self.push(())

    @abstractmethod
    def push(self, items: Sequence[Item]) -> list[Answer]:
        """Deliver ``items`` and give the peer's answer to each; delivering again does no harm.

        A refused object is an answer, never an end. Raises ``TryLater`` and ``Misconfigured``.
        """

    def finish(self) -> None:
        """Do what remains when all there was has been delivered, which may have been nothing.

        Raises ``TryLater`` and ``Misconfigured``; the next run does it again.
        """

    def close(self) -> None:
        """Let go of what a run has opened."""
