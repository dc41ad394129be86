"""What a connector is: a pull brings items from a partner, a push takes objects to one; errors by what happens next.

A connector is one file of ``feeds/connectors`` with its settings model in it, and is found by being there.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas import kinds
from schemas.errors import Rejected
from schemas.vocabulary import Action
from server.store import Store
from server.store.collections import Collection
from server.store.item import Item

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class TryLater(Exception):
    """The other side cannot be had just now: the checkpoint stays, and the next run goes on from it."""


class Misconfigured(Exception):
    """Nothing will get better until a person changes something; the message says what."""


class Secret(BaseModel):
    """Where a secret is: ``{ env = "NAME" }`` or ``{ file = "/run/secrets/name" }``. It is read anew for each run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_plain(cls, data: Any) -> Any:
        if isinstance(data, str):
            raise ValueError(
                'a secret is never written here: name where it is, as { env = "NAME" } or { file = "PATH" }'
            )
        return data

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError('give either { env = "NAME" } or { file = "PATH" }')
        return self

    def reveal(self) -> str:
        """Give the secret itself. Raises ``Misconfigured`` where it is not there."""
        if self.env is not None:
            text = os.environ.get(self.env, "")
            place = f"the environment variable {self.env}"
        else:
            place = f"the file {self.file}"
            try:
                text = Path(self.file or "").read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise Misconfigured(f"the secret in {place} cannot be read") from None
        if not text:
            raise Misconfigured(f"the secret in {place} is missing or empty")
        return text


def duration(text: str) -> timedelta:
    """Read ``30s``, ``5m``, ``1h``, ``1d`` or ``250ms``. Raises ``ValueError``."""
    found = _DURATION.fullmatch(text)
    if found is None or not float(found[1]):
        raise ValueError("not a duration: write it as 30s, 5m, 1h or 1d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _checked_duration(text: str) -> str:
    duration(text)
    return text


Duration = Annotated[str, AfterValidator(_checked_duration)]


class FeedSettings(BaseModel):
    """What every feed has: a name, its connector, and when it runs (by hand alone where nothing says when)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="the feed's own name")]
    connector: Annotated[str, Field(description="the connector it runs: a file of feeds/connectors")]
    every: Annotated[Duration | None, Field(description="how often, as 30s, 5m, 1h")] = None
    cron: Annotated[
        str | None, Field(pattern=r"^\s*\S+(\s+\S+){4}\s*$", description="when, as five fields of cron, in UTC")
    ] = None
    batch: Annotated[int, Field(ge=1, le=10_000, description="items a batch")] = 1000

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.every and self.cron:
            raise ValueError("give every or cron, not both")
        return self


class PullSettings(FeedSettings):
    """What every pull has."""

    contribute_as: Annotated[str, Field(description="the registered partner in whose name the items are contributed")]


class PushSettings(FeedSettings):
    """What every push has."""

    partner: Annotated[
        str, Field(description="the registered partner who gets the objects, and may read the collection")
    ]
    collection: Annotated[str, Field(description="alias of the collection of ours whose objects go out")]
    kinds: Annotated[tuple[str, ...], Field(description="only indicators of these kinds")] = ()
    actions: Annotated[tuple[Action, ...], Field(description="only indicators that ask for one of these actions")] = ()
    countries: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...],
        Field(description="only indicators that concern one of these countries"),
    ] = ()
    as_added: Annotated[
        bool, Field(description="with `every`: also go within a second or so of something being added")
    ] = True

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(kinds.get(name).name for name in names)
        except Rejected as refusal:
            raise ValueError(refusal.message) from None


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


@dataclass(frozen=True)
class Batch:
    """Part of what a pull brings, and the checkpoint from which the next run would go on.

    ``items`` holds the STIX objects of each item; ``read`` counts the items looked at, ``rejected`` those refused, by
    reason; ``done`` names files that have been read to their end (digest, name); ``gone`` are values, or ids of
    indicators, that the partner takes back: they count among the ``read``.
    """

    items: Sequence[Sequence[dict[str, Any]]]
    checkpoint: dict[str, Any]
    read: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    done: Sequence[tuple[str, str]] = ()
    gone: Sequence[str] = ()


class Pull(Connector[S_co]):
    """Brings items from a partner, batch by batch."""

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


def build(table: Mapping[str, Any]) -> Connector[FeedSettings]:
    """Make the connector that a ``[[feed]]`` table describes.

    Raises ``Misconfigured``, which names the feed and the key that is unknown, missing or wrong.
    """
    from feeds import connectors  # its files import this module

    name = table.get("name", "without a name")
    known = connectors.every()
    made = known.get(str(table.get("connector")))
    if made is None:
        raise Misconfigured(
            f"feed {name}: connector: there is no {table.get('connector')!r}; there are {', '.join(known)}"
        )
    try:
        return made(made.settings_model.model_validate(dict(table)))
    except ValidationError as error:
        faults = "; ".join(
            _fault(each, made.settings_model) for each in error.errors(include_input=False, include_url=False)
        )
        raise Misconfigured(f"feed {name}: {faults}") from None


def _fault(error: Any, model: type[FeedSettings]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return f"{place}: no such setting; there are {', '.join(model.model_fields)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
