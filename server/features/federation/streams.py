"""The streams that this hub publishes, and which reports of its own partners each of them admits."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.fields import Sharing
from schemas.hub_report import OPEN
from schemas.vocabulary import Tlp
from server.release.peers import PeerHub
from server.store.partners import Registry

_PUBLISHED = (Tlp.CLEAR, Tlp.GREEN)


class HubStream(NamedTuple):
    """A stream: ``open``, or the one for a peer, by that hub's identity; ``countries`` are the peer's own."""

    name: str
    peer: PeerHub | None = None
    countries: frozenset[str] = frozenset()

    def admits(self, tlp: Tlp, limits: Sharing | None, *, coerced: bool) -> bool:
        """Return whether a report with this level and these limits belongs to the stream.

        ``coerced``: its holder is reported to act under coercion. A report for every hub is in the open stream alone.
        """
        if tlp not in (*_PUBLISHED, Tlp.AMBER) or (limits is not None and _names_partners(limits)):
            return False
        restricted = coerced or (limits is not None and limits.limited)
        if self.peer is None:
            return tlp in _PUBLISHED and not restricted
        if tlp is Tlp.AMBER and self.peer.tlp != "amber":
            return False
        if not restricted:
            return tlp is Tlp.AMBER
        return self.peer.limits and (limits is None or self._is_in(limits))

    def _is_in(self, limits: Sharing) -> bool:
        """Return whether the limits admit the peer's own country; an unknown country is not admitted."""
        if limits.only_countries and not (self.countries and self.countries <= set(limits.only_countries)):
            return False
        return not limits.not_to_countries or (
            bool(self.countries) and self.countries.isdisjoint(limits.not_to_countries)
        )


def _names_partners(limits: Sharing) -> bool:
    """Return whether limits name partners (other hubs cannot identify these) or end at the hub."""
    return bool(limits.only_partners or limits.not_to_partners or not limits.onward)


def streams_of(peers: Iterable[PeerHub], registry: Registry, identities: Mapping[str, str]) -> list[HubStream]:
    """Return the open stream, and one for each peer that reads here and whose identity is known.

    ``identities`` has the identities of hubs by their origins.
    """
    found = [HubStream(OPEN)]
    for peer in peers:
        reader, identity = registry.partners.get(peer.partner), identities.get(peer.origin)
        if reader is not None and reader.peer and identity is not None:
            countries = frozenset({reader.country}) if reader.country else peer.countries
            found.append(HubStream(identity, peer, countries))
    return found


def streams_to(peer: PeerHub, identity: str, registry: Registry) -> list[HubStream]:
    """Return the streams that a peer with this identity reads here: none if it does not read here."""
    found = streams_of([peer], registry, {peer.origin: identity})
    return found if len(found) > 1 else []
