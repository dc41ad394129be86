"""The objects of the logs for aggregation: values with their listings, annotations, and their fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import OutcomeWord
from server.features.trends import words
from server.features.trends.source import ListedVersion, SourceRow
from server.features.trends.words import ReportFigures, Words
from server.store.database.times import micros, parse

# For a record about many values.
_MOST_REFS = 100
_NEVER = parse("9999-12-31T00:00:00.000Z")


@dataclass(slots=True)
class FoldedValue:
    """A value for aggregation: its name, the first report by each organisation, the versions of its shared listings."""

    subject: str
    firsts: dict[str, tuple[int, ReportFigures]] = field(default_factory=dict)
    versions: list[ListedVersion] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The kind of the value."""
        return self.subject.partition(":")[0]

    def shared(self, upto: int) -> dict[str, int]:
        """Return, by organisation, when it first reported the value without limits, up to a moment."""
        return {
            organisation: added
            for organisation, (added, report) in self.firsts.items()
            if report.is_shared and added <= upto
        }

    def before(self, place: tuple[int, int]) -> list[ListedVersion]:
        """Return the versions of its listings before a place: a date_added and a log."""
        return [version for version in self.versions if (version.added, version.log) < place]

    def home(self, upto: int, order: Mapping[int, int]) -> int | None:
        """Return the log in which its listings are counted, of those that had it up to a moment."""
        return min(
            (version.log for version in self.versions if version.added <= upto), key=order.__getitem__, default=None
        )


class FoldedAnnotation(NamedTuple):
    """A sighting or an outcome, and the listed values that it is ``about``, by their numbers."""

    row: SourceRow
    obj: Mapping[str, Any]
    about: Mapping[int, FoldedValue]


def stands(versions: Iterable[ListedVersion]) -> bool:
    """Return whether a listing is active after these versions."""
    return any(not version.revoked for version in {(version.log, version.id): version for version in versions}.values())


class FoldedListing(NamedTuple):
    """The words of a version of a listing, and its end (microseconds)."""

    words: Words
    end: int


def listing_of(body: bytes, value: FoldedValue) -> FoldedListing:
    """Return a version of a listing, read from its object."""
    obj = msgspec.json.decode(body)
    return FoldedListing(words.of_listing(obj, value.subject), end_of(obj) or _NEVER)


def end_of(obj: Mapping[str, Any]) -> int | None:
    """Return the end of an object's validity (microseconds), None if it has none."""
    return moment_of(obj.get("valid_until"))


def moment_of(text: Any) -> int | None:
    """Return a moment in microseconds, None if the text is not one."""
    try:
        return None if text is None else micros(timestamp.parse(text))
    except (Rejected, TypeError):
        return None


def outcome_of(word: Any) -> OutcomeWord | None:
    """Return the outcome of that name, None for any other word."""
    try:
        return OutcomeWord(word)
    except ValueError:
        return None


def moment_of_day(text: Any) -> int | None:
    """Return the beginning of a day in microseconds, None if the text is not a day."""
    return moment_of(f"{text}T00:00:00.000Z") if isinstance(text, str) else None


def refs_of(obj: Mapping[str, Any]) -> list[str]:
    """Return the first hundred objects that a sighting or an outcome is about."""
    refs = [obj.get("sighting_of_ref")] if obj.get("type") == "sighting" else obj.get("object_refs")
    return [ref for ref in (refs if isinstance(refs, list) else [])[:_MOST_REFS] if isinstance(ref, str)]
