"""IP addresses in STIX: ``ipv4-addr`` and ``ipv6-addr``."""

from typing import ClassVar

from mappers.kind import ValueMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class IpMapper(ValueMapper):
    """``[ipv4-addr:value = 'x']`` or ``[ipv6-addr:value = 'x']``."""

    kind: ClassVar[str] = "ip"
    types: ClassVar[tuple[str, ...]] = ("ipv4-addr", "ipv6-addr")
    phase: ClassVar[str] = "resource-development"

    def terms(self, normal: Normal) -> Terms:
        """Return the address under the type of its version."""
        return Terms("ipv6-addr" if ":" in normal.value else "ipv4-addr", {"value": normal.value})
