"""Declarations of a report's fields: everything beside the type that other packages derive from one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Fusion(Enum):
    """The way in which the reports of several partners become one entry of the consensus."""

    HEAVIEST = "the word that most confidence stands behind"
    UNION = "everything that any of them lists"
    SINGLE = "a single reporter's own, and nothing as soon as there are two"


class FieldColumns(NamedTuple):
    """The columns of a file that together hold one field.

    ``read`` returns the field's input for the model from the columns of a row, empty where they are empty; ``write``
    returns the columns that ``read`` takes for the same value.
    """

    names: tuple[str, ...]
    read: Callable[[Mapping[str, str]], Any]
    write: Callable[[Any], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class ReportField:
    """The declaration of one field of ``Report``, in the metadata of its annotation.

    - ``extension``: its property in the STIX extension; the field's own name unless given, False where STIX itself has
      a property for it. ``meaning`` is that property's description, the field's own description unless given, and
      ``schema`` its JSON Schema where the type does not tell.
    - ``words``: the words to prefer, of a field that takes others too. A field of an enum type takes no others.
    - ``label``: the name under which indicators show the field as a label, for clients that read no extensions.
    - ``names``: other English names of its column, the surest first. ``columns``: the columns of a field that one
      column cannot hold.
    - ``limits_use``: readers may do less because of it: a row with an unknown word is refused, not read without it.
    - ``acted_on``: readers of the hub's indicators act on it: a change is worth a new version.
    - ``case_number``: holds numbers of cases; one that could be a person's number is stored, and not published.
    - ``fused``: how the consensus gets it from several reports; None where no consensus has it.
    """

    extension: str | bool = True
    meaning: str = ""
    schema: Mapping[str, Any] | None = None
    words: type[StrEnum] | None = None
    label: str = ""
    names: tuple[str, ...] = ()
    columns: FieldColumns | None = None
    limits_use: bool = False
    acted_on: bool = False
    case_number: bool = False
    fused: Fusion | None = None


_IN_NO_EXTENSION = ReportField(extension=False)


@dataclass(frozen=True)
class DeclaredField:
    """A field of a report with its declaration and type; ``many`` says whether it is a list of that type."""

    name: str
    declaration: ReportField
    type: Any
    many: bool
    constraints: tuple[Any, ...]
    description: str

    @property
    def extension_property(self) -> str:
        """Return the name of its property in the STIX extension, "" where it is in none."""
        extension = self.declaration.extension
        return extension if isinstance(extension, str) else self.name if extension else ""

    @property
    def meaning(self) -> str:
        """Return the words that describe it in the extension's schema."""
        return self.declaration.meaning or self.description

    @cached_property
    def vocabulary(self) -> type[StrEnum] | None:
        """Return the enum of its words, None where it has no vocabulary."""
        return self.type if self.closed else self.declaration.words

    @cached_property
    def closed(self) -> bool:
        """Return whether it takes the words of its vocabulary alone."""
        return isinstance(self.type, type) and issubclass(self.type, StrEnum)

    @cached_property
    def is_time(self) -> bool:
        """Return whether it is a point in time."""
        return self.type is datetime

    @cached_property
    def is_free_text(self) -> bool:
        """Return whether people write it in their own words."""
        return self.type is str and not self.many and (self.constraint("pattern") or "").startswith("^[^")

    def constraint(self, name: str) -> Any:
        """Return a constraint of its type, as ``max_length``, None where it has none."""
        return next((value for entry in self.constraints if (value := getattr(entry, name, None)) is not None), None)


def declared_fields(model: type[BaseModel]) -> dict[str, DeclaredField]:
    """Return the fields of ``model`` by name, in its order, each with its declaration."""
    return {name: _declared(name, info) for name, info in model.model_fields.items()}


def _declared(name: str, info: FieldInfo) -> DeclaredField:
    found = [entry for entry in info.metadata if isinstance(entry, ReportField)]
    type_, many, constraints = _unwrapped(info.annotation, tuple(info.metadata))
    declaration = found[0] if found else _IN_NO_EXTENSION
    return DeclaredField(name, declaration, type_, many, constraints, info.description or "")


def _unwrapped(annotation: Any, constraints: tuple[Any, ...]) -> tuple[Any, bool, tuple[Any, ...]]:
    """Return the type inside optional, annotated and list types, whether it is a list, and all constraints."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        more = [entry for part in parts[1:] for entry in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return _unwrapped(parts[0], (*constraints, *more))
    if origin in (Union, UnionType):
        (inner,) = (part for part in parts if part is not NoneType)
        return _unwrapped(inner, constraints)
    if origin is tuple:
        # Constraints of the list are not those of its entries.
        type_, _, of_entries = _unwrapped(parts[0], ())
        return type_, True, of_entries
    return origin or annotation, False, constraints
