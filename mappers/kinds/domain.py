"""Domains in STIX: ``domain-name``."""

from typing import ClassVar

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class DomainMapper(KindMapper):
    """``[domain-name:value = 'x']``."""

    kind: ClassVar[str] = "domain"
    types: ClassVar[tuple[str, ...]] = ("domain-name",)
    phase: ClassVar[str] = "resource-development"

    def terms(self, normal: Normal) -> Terms:
        """Spell the name."""
        return Terms("domain-name", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the name."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None
