"""Traces of erased values: their names, the ids of objects about them, and their spellings in texts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from schemas.site import names_of
from server.release import spellings
from server.release.fuse.statements import reported_by
from server.release.spellings import Spellings
from server.store import inbox

# The space of the hub's ids; the others are the numbers of partners' spaces.
HUB = 0
_ENDS_OF_TEXT = (b"{", b"[")
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Properties that name or date an object, and have no free text.
_NOT_WORDS = frozenset(
    ("id", "type", "spec_version", "created", "modified", "pattern", "pattern_type", "pattern_version", "lang")
)


@dataclass
class ValueTraces:
    """The traces that an erasure looks for; ``grew`` if ids were found that objects read earlier may mention."""

    subjects: frozenset[str]
    ids: dict[int, set[str]]
    spellings: Spellings = field(repr=False)
    grew: bool = False

    def __post_init__(self) -> None:
        """Prepare the patterns for the search of each row."""
        self._names = self.subjects | all_names(self.subjects)
        self._uuids = {id_[-36:].encode() for known in self.ids.values() for id_ in known}

    @classmethod
    def of(cls, subjects: Iterable[str], ids: Mapping[int, Iterable[str]]) -> Self:
        """Return the traces of values, by their names in the index, and of these ids by space."""
        names = frozenset(subjects)
        values = [(kind, value) for kind, _, value in (name.partition(":") for name in names)]
        return cls(names, {space: set(known) for space, known in ids.items()}, spellings.of(values))

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Return the traces that ``as_json`` wrote."""
        return cls.of(state["subjects"], {int(space): known for space, known in state["ids"].items()})

    def as_json(self) -> dict[str, Any]:
        """Return the traces as JSON."""
        ids = {str(space): sorted(known) for space, known in sorted(self.ids.items())}
        return {"subjects": sorted(self.subjects), "ids": ids}

    def add(self, space: int, id_: str) -> None:
        """From now on, look also for an id of a space."""
        known = self.ids.setdefault(space, set())
        if id_ not in known:
            known.add(id_)
            self._uuids.add(id_[-36:].encode())
            self.grew = True

    def has(self, space: int, id_: str) -> bool:
        """Return whether an id in a space means an erased object: of this space, or of the hub."""
        return id_ in self.ids.get(space, ()) or id_ in self.ids.get(HUB, ())

    def is_name(self, text: str) -> bool:
        """Return whether a text is exactly a name of a value, or the key of an erased contribution."""
        if text in self._names:
            return True
        # The id of the review that decides whether a provider sees a report contains the report's key.
        text = reported_by(text)
        return inbox.is_key(text) and text.partition("/")[0].isdigit() and self._is_key(text)

    def exact_names(self) -> list[str]:
        """Return the names of the values, and the keys of the erased contributions, by which rows can be found."""
        keys = (inbox.key(space, id_) for space, known in self.ids.items() if space > HUB for id_ in known)
        return sorted({*self._names, *keys})

    def is_in(self, text: bytes) -> bool:
        """Return whether a text contains a value."""
        return self.spellings.is_in(text)

    def names_id(self, text: bytes) -> bool:
        """Return whether a text has an id of any space that is erased."""
        return any(uuid in text for uuid in self._uuids) and not self._uuids.isdisjoint(_UUID.findall(text))

    def cleaned(self, text: bytes) -> bytes:
        """Return a text, or JSON, with a word in place of each value."""
        if text[:1] in _ENDS_OF_TEXT:
            try:
                return orjson.dumps(self.cleaned_object(orjson.loads(text)))
            except orjson.JSONDecodeError:
                pass
        return self.spellings.cleaned(text.decode(errors="replace")).encode()

    def cleaned_object(self, found: Any, leaving: frozenset[str] = _NOT_WORDS) -> Any:
        """Return a part of an object with a word in place of each value in its texts, except in the properties
        ``leaving``.
        """
        if isinstance(found, str):
            return self.spellings.cleaned(found)
        if isinstance(found, list):
            return [self.cleaned_object(part, leaving) for part in found]
        if isinstance(found, dict):
            return {
                name: part
                if name in leaving or name.endswith(("_ref", "_refs"))
                else self.cleaned_object(part, leaving)
                for name, part in found.items()
            }
        return found

    def _is_key(self, text: str) -> bool:
        return inbox.object_id(text) in self.ids.get(inbox.space(text), ())


def all_names(subjects: Iterable[str]) -> set[str]:
    """Return all names under which these values may be delisted."""
    return {
        name for subject in subjects for kind, _, value in [subject.partition(":")] for name in names_of(kind, value)
    }
