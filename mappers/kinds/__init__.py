"""Spellings of the kinds in STIX, one file a kind; a file's presence registers it."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

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
