"""E-mail addresses in STIX: ``email-addr``."""

from typing import ClassVar

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class EmailMapper(KindMapper):
    """``[email-addr:value = 'x']``."""

    kind: ClassVar[str] = "email"
    types: ClassVar[tuple[str, ...]] = ("email-addr",)
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Spell the address."""
        return Terms("email-addr", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the address."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None
