"""Base class of the kinds of indicator: name, columns, normal form, time to live, grades and examples."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from schemas.reference import read_toml
from schemas.vocabulary import Action, Tlp

NO_DETAILS: Mapping[str, str] = MappingProxyType({})

# The actions that readers can take, the strongest first: on most values, and on those that receive money.
PLAIN = (Action.BLOCK, Action.WARN, Action.MONITOR, Action.INVESTIGATE)
PAID = tuple(Action)


class Normal(NamedTuple):
    """A value in its normal form: equal for two spellings of one thing, different for two things."""

    value: str
    details: Mapping[str, str] = NO_DETAILS


@dataclass(frozen=True)
class ValueExample:
    """A raw value and its expected result: a normal form with details, or the code of a refusal.

    Tests, documentation and the demo read these. Use only published example values, none of real people.
    """

    raw: str
    value: str | None = None
    reason: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


class Kind(ABC):
    """One kind of indicator. Each file of ``schemas/kinds`` defines one subclass; its presence registers it.

    ``name`` is the word in data and on the command line; ``title`` the name that people read, by language;
    ``time_to_live`` the life of an indicator whose report has no end; ``columns`` the columns of its own that a report
    may carry beside the value, with their meaning; ``account`` is true if somebody holds such a value, so that a holder
    status applies; ``collection`` the alias of the collection whose readers act on it; ``grades`` the actions that
    readers can take, the strongest first; ``single_report_grade`` the strongest grade that one report can have whose
    reporter has no authority for the kind.
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
        """Return the normal form of ``raw``, a value as somebody wrote it, with help of the columns ``given``.

        ``raw`` is already free of defanging and outer white space (``schemas.refang``), and may be empty if the columns
        identify the thing. A normal form is its own normal form. Raises ``schemas.errors.Rejected``.
        """

    def widest_tlp(self, normal: Normal) -> Tlp:
        """Return the widest marking that reports of a value may bear; a wider one is narrowed to it."""
        return Tlp.CLEAR

    def needs_authority(self, value: str) -> bool:
        """Return True if only a partner with authority can raise a value above ``single_report_grade``."""
        return False

    def key(self, value: str) -> str:
        """Return the normal form that all normal forms of the same thing have in common; mostly ``value`` itself.

        Two reports are about one thing if their keys are equal. ``value`` may be a normal form of an older version.
        """
        return value

    def country_of(self, value: str) -> str:
        """Return the ISO 3166-1 country of the provider of ``value``, "" if the value names none."""
        return ""

    def other_kind(self, raw: str) -> str:
        """Return the name of the kind that ``raw`` is of, though reported as this one; "" if it is of this one."""
        return ""

    @property
    def has_several_names(self) -> bool:
        """True if one thing of this kind may have several normal forms, of this kind or of another."""
        return type(self).key is not Kind.key or type(self).other_kind is not Kind.other_kind

    def fullest(self, values: Iterable[str]) -> str:
        """Return the normal form that tells most, of several normal forms of one thing."""
        return min(values)

    @abstractmethod
    def recognises(self, raw: str) -> bool:
        """Return True if a value without a kind looks like this kind and no other. Has to be cheap."""

    def examples(self) -> Iterable[ValueExample]:
        """Return examples of values that are accepted and refused, at least one for each rule.

        They are in ``schemas/reference/examples``, in the file with the kind's name.
        """
        return (_example(*row) for row in read_toml(f"examples/{self.name}.toml")["rows"])


def _example(
    raw: str, result: str, given: Mapping[str, str] = NO_DETAILS, details: Mapping[str, str] = NO_DETAILS
) -> ValueExample:
    if result.startswith("!"):
        return ValueExample(raw, reason=result[1:], given=given, details=details)
    return ValueExample(raw, result, given=given, details=details)
