"""The endings of domain names below which registries let institutions alone register names."""

from functools import cache, lru_cache

from schemas.reference import hosts, read_toml

_COUNTRY = 2


@cache
def _endings() -> frozenset[str]:
    """Return the top-level domains of institutions."""
    return frozenset(read_toml("institution_suffixes.toml")["endings"])


@lru_cache(maxsize=4096)
def _is_for_institutions(level: str, country: str) -> bool:
    """Return whether a registry has the ending ``level.country`` for institutions.

    In other countries a private person may have registered that name.
    """
    table = read_toml("institution_suffixes.toml")
    if country in table["countries"].get(level, ()):
        return True
    ending = f"{level}.{country}"
    return level in table["levels"] and hosts.registrable_domain(f"any.{ending}") == f"any.{ending}"


def is_institutional(host: str) -> bool:
    """Return True if only an institution can have registered ``host`` or the domain above it."""
    above, _, ending = host.rpartition(".")
    if not above:
        return False
    if ending in _endings():
        return True
    registered, _, level = above.rpartition(".")
    return bool(registered) and len(ending) == _COUNTRY and _is_for_institutions(level, ending)
