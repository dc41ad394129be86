"""STIX observables, made of their terms and read as kind and value."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from mappers import kinds
from mappers.kind import KindMapper
from mappers.pattern import Terms

# A type of STIX itself, which some kinds use beside a type that they introduce.
_STANDARD = "user-account"
# Properties of observables that do not identify them.
_BESIDE = {"type", "id", "spec_version", "extensions", "object_marking_refs", "granular_markings", "defanged"}


def observable_object(mapper: KindMapper, terms: Terms) -> dict[str, Any]:
    """Return the observable of ``terms``."""
    observable: dict[str, Any] = {
        "type": terms.type,
        "spec_version": "2.1",
        "id": mapper.observable_id(terms),
        **terms.properties,
    }
    if mapper.new_sco and terms.type != _STANDARD:
        observable["extensions"] = {mapper.new_sco: {"extension_type": "new-sco"}}
    return observable


def kind_and_value(observable: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and value of an observable of any maker. Raises ``Rejected`` where it is of no kind."""
    named = {
        name: property_ for name, property_ in observable.items() if name not in _BESIDE and isinstance(property_, str)
    }
    mapper, normal = kinds.read(Terms(str(observable.get("type")), named))
    return mapper.kind, normal.value


@cache
def types_beyond_stix() -> frozenset[str]:
    """Return the types that STIX itself lacks, which its default parsers do not take."""
    return frozenset(
        type_ for mapper in kinds.every().values() if mapper.new_sco for type_ in mapper.types if type_ != _STANDARD
    )
