"""IP addresses in STIX: ``ipv4-addr`` and ``ipv6-addr``."""

from typing import ClassVar

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class IpMapper(KindMapper):
    """``[ipv4-addr:value = 'x']`` or ``[ipv6-addr:value = 'x']``."""

    kind: ClassVar[str] = "ip"
    types: ClassVar[tuple[str, ...]] = ("ipv4-addr", "ipv6-addr")
    phase: ClassVar[str] = "resource-development"

    def terms(self, normal: Normal) -> Terms:
        """Spell the address."""
        return Terms("ipv6-addr" if ":" in normal.value else "ipv4-addr", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the address."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None
