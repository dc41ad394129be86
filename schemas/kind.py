"""What a kind of indicator is: one name, one normal form, its own details, its examples."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from schemas.vocabulary import Action, Tlp

NO_DETAILS: Mapping[str, str] = MappingProxyType({})

# What a reader can do about a value, the strongest first: about most values, and about one that money goes to.
PLAIN = (Action.BLOCK, Action.WARN, Action.MONITOR, Action.INVESTIGATE)
PAID = tuple(Action)


class Normal(NamedTuple):
    """A value in its normal form: two spellings of one thing have the same ``value``, two things never have."""

    value: str
    details: Mapping[str, str] = NO_DETAILS


@dataclass(frozen=True)
class Example:
    """A raw value and what must come of it: a normal form, or a refusal for ``reason``.

    Tests, documentation and the demo read these. Use published example values only, nobody's own.
    """

    raw: str
    value: str | None = None
    reason: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


class Kind(ABC):
    """One kind of indicator. A file of ``schemas/kinds`` defines one subclass and is found by itself.

    ``name`` is the word in data and on the command line; ``title`` what people read, by language; ``time_to_live``
    how long an indicator lasts that no report gave an end; ``inputs`` the columns of its own that a report may carry
    beside the value, with their meaning; ``account`` whether somebody holds it, so that a holder status applies;
    ``collection`` the alias of the collection whose readers act on it; ``grades`` what they can do about it, the
    strongest first; ``alone`` the strongest of them on the word of one reporter without authority for the kind.
    """

    name: ClassVar[str]
    title: ClassVar[Mapping[str, str]]
    time_to_live: ClassVar[timedelta]
    columns: ClassVar[Mapping[str, str]] = NO_DETAILS
    account: ClassVar[bool] = False
    collection: ClassVar[str] = "takedown"
    grades: ClassVar[tuple[Action, ...]] = PLAIN
    single_report_grade: ClassVar[Action] = Action.BLOCK

    @abstractmethod
    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Give the normal form of ``raw``, a value as somebody wrote it, helped by the columns ``given``.

        ``raw`` is already free of defanging and outer white space (``schemas.refang``) and may be empty where the
        columns say it all. A normal form gives itself again. Raises ``schemas.errors.Rejected``.
        """

    def widest_tlp(self, normal: Normal) -> Tlp:
        """Give the widest marking that reports of a value may bear; a wider one is narrowed to it."""
        return Tlp.CLEAR

    def key(self, value: str) -> str:
        """Give the one normal form that all normal forms of the same thing have in common; mostly ``value`` itself.

        By this it is told whether two reports are about one thing. ``value`` may be a normal form of an older version.
        """
        return value

    def other_kind(self, raw: str) -> str:
        """Give the name of the kind that a value is of though it is reported as one of this kind, "" where of none."""
        return ""

    @property
    def has_several_names(self) -> bool:
        """Tell whether one thing of this kind may have several normal forms, of this kind or of another."""
        return type(self).key is not Kind.key or type(self).other_kind is not Kind.other_kind

    def fullest(self, values: Iterable[str]) -> str:
        """Give of several normal forms of one thing the one that says most."""
        return min(values)

    @abstractmethod
    def recognises(self, raw: str) -> bool:
        """Tell, cheaply, whether a value that comes without a kind looks like one of this kind and of no other."""

    @abstractmethod
    def examples(self) -> Iterable[Example]:
        """Give examples, good and bad, one at least of each rule."""
