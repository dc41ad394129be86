"""Spellings of the kinds in STIX, one file a kind; a file's presence registers it."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.discovery import subclasses
from schemas.errors import Rejected
from schemas.kind import Normal


@cache
def every() -> Mapping[str, KindMapper]:
    """Return all mappers by the name of their kind."""
    classes = subclasses(__name__, __path__, KindMapper)  # type: ignore[type-abstract]  # it yields concrete ones only
    mappers = (mapper() for mapper in classes)
    return MappingProxyType({mapper.kind: mapper for mapper in mappers})


@cache
def _by_type() -> Mapping[str, list[KindMapper]]:
    by_type: dict[str, list[KindMapper]] = {}
    for mapper in every().values():
        for object_type in mapper.types:
            by_type.setdefault(object_type, []).append(mapper)
    return by_type


def read(terms: Terms) -> tuple[KindMapper, Normal]:
    """Return the mapper whose kind ``terms`` spell, and the normal form. Raises ``Rejected`` if there is none."""
    for mapper in _by_type().get(terms.type, ()):
        normal = mapper.normal(terms)
        if normal is not None:
            return mapper, normal
    raise Rejected("not-a-kind", f"no kind of indicator is spelled {terms.type}:{'+'.join(terms.properties)}")


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
    mapper, normal = read(Terms(str(observable.get("type")), named))
    return mapper.kind, normal.value


@cache
def types_beyond_stix() -> frozenset[str]:
    """Return the types that STIX itself lacks, which its default parsers do not take."""
    return frozenset(
        type_ for mapper in every().values() if mapper.new_sco for type_ in mapper.types if type_ != _STANDARD
    )
