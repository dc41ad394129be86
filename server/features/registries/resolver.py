"""Ask the configured resolvers, and no other server, about names. No listed site is contacted."""

from enum import StrEnum
from typing import NamedTuple

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from server.features.registries.pace import Pace

_SECONDS = 5.0
_MOST_ADDRESSES = 8


class NameState(StrEnum):
    """The answer of DNS about a name."""

    RESOLVES = "resolves"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Resolved(NamedTuple):
    """The state of a name, and its addresses."""

    state: NameState
    addresses: tuple[str, ...] = ()


class NameResolver:
    """Asks resolvers by address and port. One object is used by one thread."""

    def __init__(self, servers: list[str], pace: Pace) -> None:
        """Ask ``servers``: addresses such as ``192.0.2.53`` or ``[2001:db8::53]:5353``."""
        self._pace = pace
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [_nameserver(server) for server in servers]
        self._resolver.lifetime = _SECONDS
        self._resolver.cache = None
        self._first = servers[0] if servers else ""

    def resolve(self, name: str) -> Resolved:
        """Return the state of a name. Only an answer that it does not exist counts as missing."""
        found: list[str] = []
        state = NameState.UNKNOWN
        for type_ in (dns.rdatatype.A, dns.rdatatype.AAAA):
            self._pace.wait(f"dns:{self._first}")
            try:
                answer = self._resolver.resolve(dns.name.from_text(name), type_, search=False)
            except dns.resolver.NXDOMAIN:
                return Resolved(NameState.MISSING)
            except dns.resolver.NoAnswer:
                # The name exists, without an address of this type.
                state = NameState.RESOLVES
            except (dns.exception.DNSException, OSError, ValueError):
                continue
            else:
                state = NameState.RESOLVES
                found += [record.to_text() for record in answer]
        return Resolved(state, tuple(sorted(found)[:_MOST_ADDRESSES]))


def _nameserver(server: str) -> dns.nameserver.Nameserver:
    """Return a server by ``address`` or ``address:port``; an IPv6 address with a port is in brackets."""
    host, _, port = server.rpartition(":") if server.startswith("[") or server.count(":") == 1 else (server, "", "53")
    if server.endswith("]"):
        host, port = server, "53"
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))
