"""URLs in STIX: ``url``."""

from typing import ClassVar

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class UrlMapper(KindMapper):
    """``[url:value = 'x']``."""

    kind: ClassVar[str] = "url"
    types: ClassVar[tuple[str, ...]] = ("url",)
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Spell the URL."""
        return Terms("url", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the URL."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None
