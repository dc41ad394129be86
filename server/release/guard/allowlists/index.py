"""The lists, in the form in which a value is looked up in microseconds: each group is made when first asked for."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path

from schemas.reference import hosts
from schemas.reference.banks import accounts
from server.release.guard.allowlists import folder
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist, EntryType

# Lists of sites whose pages are their users', and chosen by no word of a user's alone.
_PAGES = frozenset({"user-content", "institution-platforms"})
_Ranges = tuple[list[int], list[tuple[int, Allowlist]]]


class AllowlistIndex:
    """What is on the lists as they were when this was made."""

    def __init__(self, updated: Path | None = None) -> None:
        """Read the lists in the folder ``updated``, and those that come with the program where it has none."""
        self._updated = updated

    @cached_property
    def sites(self) -> Mapping[str, Allowlist]:
        """Give the hosts that serve many, and what they are below: to block those would hit them too."""
        found: dict[str, Allowlist] = {}
        for holds in (EntryType.SHARED, EntryType.SITES):
            for host, listing in self._entries(holds):
                found.setdefault(host, listing)
                found.setdefault(host.removeprefix("www."), listing)
        for holds in (EntryType.OWNED, EntryType.SHARED, EntryType.SITES):
            for host, listing in self._entries(holds):
                while (host := host.partition(".")[2]) and "." in host:
                    found.setdefault(host, listing)
        return found

    @cached_property
    def shared(self) -> frozenset[str]:
        """Give the hosts of which a page may be anybody's."""
        return frozenset(host for host, _ in self._entries(EntryType.SHARED))

    @cached_property
    def hosting(self) -> frozenset[str]:
        """Give the hosts below which anybody may have names."""
        return frozenset(host for host, listing in self._entries(EntryType.SHARED) if listing.names)

    @cached_property
    def logins(self) -> frozenset[str]:
        """Give the hosts whose pages are their users', but for those where one logs in or manages an account."""
        return frozenset(host for host, listing in self._entries(EntryType.SHARED) if listing.name in _PAGES)

    def site_above(self, host: str) -> tuple[str, Allowlist] | None:
        """Give the site that ``host`` is below, and its list; None where strangers may have names there."""
        if host.endswith(".arpa"):
            return None
        name, found = host, False
        while name := name.partition(".")[2]:
            if name in self.hosting:
                return None
            found = found or name in self.sites
        site = hosts.registrable_domain(host) if found else None
        if site is None or site == host or (listing := self.sites.get(site)) is None:
            return None
        return site, listing

    @cached_property
    def own_pages(self) -> Mapping[str, Allowlist]:
        """Give the hosts that serve many, all of whose pages are their owner's."""
        found = {host.removeprefix("www."): listing for host, listing in self._entries(EntryType.SITES)}
        return {host: listing for host, listing in found.items() if host not in self.shared}

    @cached_property
    def owned(self) -> Mapping[str, Allowlist]:
        """Give the domains that are their owners' with all that is below."""
        return self._first(EntryType.OWNED)

    @cached_property
    def addresses(self) -> Mapping[int, _Ranges]:
        """Give the networks by version: where each begins, in order, and where it ends."""
        ranges: dict[int, dict[int, tuple[int, Allowlist]]] = {4: {}, 6: {}}
        for entry, listing in self._entries(EntryType.ADDRESSES):
            version = 6 if ":" in entry else 4
            if "/" in entry:
                network = ip_network(entry)
                first, last = int(network.network_address), int(network.broadcast_address)
            else:
                first = last = int(ip_address(entry))
            if first not in ranges[version] or ranges[version][first][0] < last:
                ranges[version][first] = last, listing
        return {version: _joined(found) for version, found in ranges.items()}

    @cached_property
    def wallets(self) -> Mapping[str, Allowlist]:
        """Give the wallets that are nobody's, or many customers'."""
        return self._first(EntryType.WALLETS)

    @cached_property
    def accounts(self) -> Mapping[str, Allowlist]:
        """Give the bank accounts that are examples, by what all names of an account have in common."""
        return {accounts.key(account): listing for account, listing in self._first(EntryType.ACCOUNTS).items()}

    @cached_property
    def apps(self) -> Mapping[str, Allowlist]:
        """Give the apps that are their institutions' own."""
        return self._first(EntryType.APPS)

    @cached_property
    def profiles(self) -> Mapping[str, Allowlist]:
        """Give the social accounts that are their institutions' own."""
        return self._first(EntryType.PROFILES)

    @cached_property
    def names_of_institutions(self) -> frozenset[str]:
        """Give the names of these apps and accounts without their stores and platforms, in small letters."""
        return frozenset(value.partition(":")[2].lower() for value in (*self.apps, *self.profiles))

    @cached_property
    def numbers(self) -> Mapping[str, Allowlist]:
        """Give the telephone numbers that are no scammer's."""
        return self._first(EntryType.NUMBERS)

    @cached_property
    def number_ranges(self) -> tuple[re.Pattern[str], Allowlist]:
        """Give what matches the numbers that are kept free, written with the 0 that is dialled within their country."""
        rules = [entry for entry, _ in self._entries(EntryType.RANGES)]
        return re.compile("|".join(rules) or "(?!)"), ALLOWLISTS["phone_numbers"]

    def network(self, address: str) -> Allowlist | None:
        """Give the list that an address is on."""
        parsed = ip_address(address)
        number = int(parsed)
        starts, ends = self.addresses[parsed.version]
        place = bisect_right(starts, number) - 1
        return ends[place][1] if place >= 0 and number <= ends[place][0] else None

    def _first(self, holds: EntryType) -> Mapping[str, Allowlist]:
        """Give each entry with the first list that it is on."""
        found: dict[str, Allowlist] = {}
        for entry, listing in self._entries(holds):
            found.setdefault(entry, listing)
        return found

    def _entries(self, holds: EntryType) -> Iterator[tuple[str, Allowlist]]:
        for listing in ALLOWLISTS.values():
            if listing.holds is holds:
                for entry in folder.read(listing, self._updated).entries:
                    yield entry, listing


def _joined(found: Mapping[int, tuple[int, Allowlist]]) -> _Ranges:
    """Put networks in order, those within another left out, so that the one that begins last before is the only one."""
    starts: list[int] = []
    ends: list[tuple[int, Allowlist]] = []
    for first in sorted(found):
        if not ends or found[first][0] > ends[-1][0]:
            starts.append(first)
            ends.append(found[first])
    return starts, ends
