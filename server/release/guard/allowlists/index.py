"""An index over the allowlists that finds a value in microseconds."""

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

# Sites whose pages are their users', under addresses that users do not choose freely.
_USER_PAGES = frozenset({"user-content", "institution-platforms"})
_Ranges = tuple[list[int], list[tuple[int, Allowlist]]]


class AllowlistIndex:
    """The entries of all lists, as the files were when the index was made; each group is read on first use."""

    def __init__(self, updated: Path | None = None) -> None:
        """Read lists from the folder ``updated``, and bundled lists where it has none."""
        self._updated = updated

    @cached_property
    def sites(self) -> Mapping[str, Allowlist]:
        """Hosts that serve many, and the domains above them: to block a domain would hit the hosts below."""
        found: dict[str, Allowlist] = {}
        for entry_type in (EntryType.SHARED, EntryType.SITES):
            for host, allowlist in self._entries(entry_type):
                found.setdefault(host, allowlist)
                found.setdefault(host.removeprefix("www."), allowlist)
        for entry_type in (EntryType.OWNED, EntryType.SHARED, EntryType.SITES):
            for host, allowlist in self._entries(entry_type):
                while (host := host.partition(".")[2]) and "." in host:
                    found.setdefault(host, allowlist)
        return found

    @cached_property
    def shared(self) -> frozenset[str]:
        """Hosts whose pages can be anybody's."""
        return frozenset(host for host, _ in self._entries(EntryType.SHARED))

    @cached_property
    def hosting(self) -> frozenset[str]:
        """Hosts below which anybody can have names."""
        return frozenset(host for host, allowlist in self._entries(EntryType.SHARED) if allowlist.strangers_below)

    @cached_property
    def logins(self) -> frozenset[str]:
        """Hosts whose pages are their users', except the pages for login, account and help."""
        return frozenset(host for host, allowlist in self._entries(EntryType.SHARED) if allowlist.name in _USER_PAGES)

    def site_above(self, host: str) -> tuple[str, Allowlist] | None:
        """Return the site above ``host`` and its list; None if there is none, or if anybody can have names below it."""
        if host.endswith(".arpa"):
            return None
        name, found = host, False
        while name := name.partition(".")[2]:
            if name in self.hosting:
                return None
            found = found or name in self.sites
        site = hosts.registrable_domain(host) if found else None
        if site is None or site == host or (allowlist := self.sites.get(site)) is None:
            return None
        return site, allowlist

    @cached_property
    def own_pages(self) -> Mapping[str, Allowlist]:
        """Hosts that serve many, and whose pages are all their owner's."""
        found = {host.removeprefix("www."): allowlist for host, allowlist in self._entries(EntryType.SITES)}
        return {host: allowlist for host, allowlist in found.items() if host not in self.shared}

    @cached_property
    def owned(self) -> Mapping[str, Allowlist]:
        """Domains that are their owners', with every host below."""
        return self._first(EntryType.OWNED)

    @cached_property
    def addresses(self) -> Mapping[int, _Ranges]:
        """Networks by IP version: their first addresses in order, and their last ones, as numbers."""
        ranges: dict[int, dict[int, tuple[int, Allowlist]]] = {4: {}, 6: {}}
        for entry, allowlist in self._entries(EntryType.ADDRESSES):
            version = 6 if ":" in entry else 4
            if "/" in entry:
                network = ip_network(entry)
                first, last = int(network.network_address), int(network.broadcast_address)
            else:
                first = last = int(ip_address(entry))
            if first not in ranges[version] or ranges[version][first][0] < last:
                ranges[version][first] = last, allowlist
        return {version: _joined(found) for version, found in ranges.items()}

    @cached_property
    def wallets(self) -> Mapping[str, Allowlist]:
        """Wallets that are nobody's, or many customers'."""
        return self._first(EntryType.WALLETS)

    @cached_property
    def accounts(self) -> Mapping[str, Allowlist]:
        """Example bank accounts, by the key that all spellings of an account share."""
        return {accounts.key(account): allowlist for account, allowlist in self._first(EntryType.ACCOUNTS).items()}

    @cached_property
    def apps(self) -> Mapping[str, Allowlist]:
        """Institutions' own apps."""
        return self._first(EntryType.APPS)

    @cached_property
    def profiles(self) -> Mapping[str, Allowlist]:
        """Institutions' own social accounts."""
        return self._first(EntryType.PROFILES)

    @cached_property
    def names_of_institutions(self) -> frozenset[str]:
        """Names of these apps and accounts in lower case, without store or platform."""
        return frozenset(value.partition(":")[2].lower() for value in (*self.apps, *self.profiles))

    @cached_property
    def numbers(self) -> Mapping[str, Allowlist]:
        """Telephone numbers that cannot be a scammer's."""
        return self._first(EntryType.NUMBERS)

    @cached_property
    def number_ranges(self) -> tuple[re.Pattern[str], Allowlist]:
        """A pattern of the numbers kept free for films and examples, written with the 0 dialled within a country."""
        patterns = [entry for entry, _ in self._entries(EntryType.RANGES)]
        return re.compile("|".join(patterns) or "(?!)"), ALLOWLISTS["phone_numbers"]

    def network(self, address: str) -> Allowlist | None:
        """Return the list that has an address, None if no list has it."""
        parsed = ip_address(address)
        number = int(parsed)
        starts, ends = self.addresses[parsed.version]
        place = bisect_right(starts, number) - 1
        return ends[place][1] if place >= 0 and number <= ends[place][0] else None

    def _first(self, entry_type: EntryType) -> Mapping[str, Allowlist]:
        """Map each entry to the first list that has it."""
        found: dict[str, Allowlist] = {}
        for entry, allowlist in self._entries(entry_type):
            found.setdefault(entry, allowlist)
        return found

    def _entries(self, entry_type: EntryType) -> Iterator[tuple[str, Allowlist]]:
        for allowlist in ALLOWLISTS.values():
            if allowlist.entry_type is entry_type:
                for entry in folder.read(allowlist, self._updated).entries:
                    yield entry, allowlist


def _joined(found: Mapping[int, tuple[int, Allowlist]]) -> _Ranges:
    """Sort networks by first address and drop those within another, so that only one can contain an address."""
    starts: list[int] = []
    ends: list[tuple[int, Allowlist]] = []
    for first in sorted(found):
        if not ends or found[first][0] > ends[-1][0]:
            starts.append(first)
            ends.append(found[first])
    return starts, ends
