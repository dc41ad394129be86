"""An index over the allowlists that finds a value in microseconds."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path

from schemas.partner import institution_keys
from schemas.reference import hosts
from schemas.reference.account_numbers import account_key
from server.release.guard.allowlists import folder
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist, EntryType

# Sites with users' pages, at addresses that users cannot choose freely.
_USER_PAGES = frozenset({"user-content", "institution-platforms"})
# Minimum length of a name that no private person has by chance on a platform: an owner's, and a popular site's.
_SHORTEST_OWNED, _SHORTEST_SITE = 3, 5
# Minimum length of a name before an app's name that is not a common word, and longer words with which any app may
# begin.
_SHORTEST_NAMESPACE = 6
_COMMON_WORDS = frozenset(
    (
        *(
            "crypto",
            "domain",
            "finance",
            "friend",
            "income",
            "market",
            "mobile",
            "online",
            "police",
            "redeem",
            "secure",
        ),
        *("security", "service", "support", "system", "wallet"),
        *("central", "discover", "discovery", "exodus", "fidelity", "momentum", "original", "phantom", "progressive"),
        *("rabbit", "regions", "signal", "spirit", "target", "united", "vanguard"),
        *("airport", "alternate", "anaconda", "austrian", "bluebird", "booker", "bowtie", "broadway"),
        *("brother", "chorus", "citizen", "citylink", "corsair", "countdown", "courts", "cuckoo", "dynasty"),
        *("edison", "expert", "foxtrot", "genesis", "graphic", "greenwich", "guardian", "harmony", "kangaroo"),
        *("lemonade", "liberator", "memorial", "mercury", "mobiles", "nation", "nimble", "norwegian"),
        *("octagon", "openpay", "picnic", "pioneer", "porter", "promise", "racional", "realtor", "scarlet"),
        *("shalom", "singer", "skinny", "slingshot", "smiles", "spectra", "sprouts", "stadium", "stamps"),
        *("staples", "synergy", "tangerine", "upgrad", "ventura", "voyager", "whoosh"),
    )
)
# Length of a country's ending.
_COUNTRY = 2
_EXAMPLES = "iban-examples"
_MOST_USED = frozenset({"tranco10k", "majestic_million", "alexa", "moz-top500", "cisco_top5k"})
_PROVIDERS = frozenset({"hosting-sites", "lots-project", "url-shortener", "link-in-bio", "local-shared"})
_Ranges = tuple[list[int], list[tuple[int, Allowlist]]]


class AllowlistIndex:
    """The entries of all lists, as of the time when the index was made; each group is read on first use."""

    def __init__(self, updated: Path | None = None) -> None:
        """Read lists from the folder ``updated``, and bundled lists if it has none."""
        self._updated = updated

    @cached_property
    def sites(self) -> Mapping[str, Allowlist]:
        """Hosts that serve many users, and the domains above them: blocking a domain would affect the hosts below."""
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
        """Hosts whose pages may belong to anybody."""
        return frozenset(host for host, _ in self._entries(EntryType.SHARED))

    @cached_property
    def hosting(self) -> frozenset[str]:
        """Hosts below which anybody can have names."""
        return frozenset(host for host, allowlist in self._entries(EntryType.SHARED) if allowlist.strangers_below)

    @cached_property
    def logins(self) -> frozenset[str]:
        """Hosts with users' pages, except the pages for login, account and help."""
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
        """Hosts that serve many users, and whose pages all belong to their owner."""
        found = {host.removeprefix("www."): allowlist for host, allowlist in self._entries(EntryType.SITES)}
        return {host: allowlist for host, allowlist in found.items() if host not in self.shared}

    @cached_property
    def owned(self) -> Mapping[str, Allowlist]:
        """Domains that belong to their owners, with every host below; among them endings, without their dot."""
        return {host.removeprefix("."): allowlist for host, allowlist in self._first(EntryType.OWNED).items()}

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
        """Wallets that belong to many customers, or whose key no person has."""
        return self._first(EntryType.WALLETS)

    @cached_property
    def accounts(self) -> Mapping[str, Allowlist]:
        """Bank accounts of public bodies and charities, by the key that all spellings of an account share."""
        return {key: allowlist for key, allowlist in self._all_accounts.items() if allowlist.name != _EXAMPLES}

    @cached_property
    def example_accounts(self) -> Mapping[str, Allowlist]:
        """Example bank accounts, by the same key."""
        return {key: allowlist for key, allowlist in self._all_accounts.items() if allowlist.name == _EXAMPLES}

    @cached_property
    def _all_accounts(self) -> Mapping[str, Allowlist]:
        return {account_key(account): allowlist for account, allowlist in self._first(EntryType.ACCOUNTS).items()}

    @cached_property
    def institutions(self) -> Mapping[str, Allowlist]:
        """Institutions whose accounts all belong to public bodies, by the keys of these accounts."""
        return {
            key: allowlist
            for institution, allowlist in self._first(EntryType.INSTITUTIONS).items()
            for key in institution_keys(institution)
        }

    @cached_property
    def aliases(self) -> Mapping[str, Allowlist]:
        """Payment aliases of public bodies and charities."""
        return self._first(EntryType.ALIASES)

    @cached_property
    def companies(self) -> Mapping[str, Allowlist]:
        """Registered numbers of banks and other institutions."""
        return self._first(EntryType.COMPANIES)

    @cached_property
    def services(self) -> Mapping[str, Allowlist]:
        """Domains whose direct subdomains all belong to their owner."""
        return self._first(EntryType.SERVICES)

    @cached_property
    def providers(self) -> Mapping[str, Allowlist]:
        """Well-known sites that may give customers names below their own, except names such as ``api`` or ``login``."""
        known = {host for host, allowlist in self._entries(EntryType.SITES) if allowlist.name in _MOST_USED}
        return {
            host: allowlist
            for host, allowlist in self._entries(EntryType.SHARED)
            if (allowlist.name == "known-sites" or (allowlist.name in _PROVIDERS and host in known))
            and hosts.registrable_domain(host) == host
        }

    @cached_property
    def apps(self) -> Mapping[str, Allowlist]:
        """Institutions' own apps."""
        return self._first(EntryType.APPS)

    @cached_property
    def profiles(self) -> Mapping[str, Allowlist]:
        """Institutions' own social accounts."""
        return self._first(EntryType.PROFILES)

    @cached_property
    def names_of_sites(self) -> Mapping[str, Allowlist]:
        """Names of owners' and the most popular sites, without their endings: on social platforms these are theirs.

        A site with a country's ending also has the name with the country: ``lazada_th`` of lazada.co.th.
        """
        found: dict[str, Allowlist] = {}
        owners = [(host, allowlist, _SHORTEST_OWNED) for host, allowlist in self._entries(EntryType.OWNED)]
        sites = [(host, allowlist, _SHORTEST_SITE) for host, allowlist in self._entries(EntryType.SITES)]
        platforms = [
            (host, allowlist, _SHORTEST_SITE)
            for host, allowlist in self._entries(EntryType.SHARED)
            if allowlist.name in _USER_PAGES
        ]
        for host, allowlist, shortest in (*owners, *platforms, *sites):
            label, _, suffix = host.removeprefix("www.").partition(".")
            if len(label) < shortest or not suffix or suffix.count(".") > 1 or not label.isalnum():
                continue
            found.setdefault(label, allowlist)
            country = suffix.rpartition(".")[2]
            if (
                allowlist.entry_type is not EntryType.SITES
                and len(country) == _COUNTRY
                and len(label) >= _SHORTEST_SITE
            ):
                found.setdefault(f"{label}{country}", allowlist)
                found.setdefault(f"{label}_{country}", allowlist)
        for name in folder.names_of_institutions():
            found.setdefault(name, ALLOWLISTS["institution-accounts"])
        return found

    @cached_property
    def names_of_owners(self) -> Mapping[str, Allowlist]:
        """Names of owners' sites without their endings, with which companies begin the names of their apps."""
        return {
            name: allowlist
            for host, allowlist in self.owned.items()
            if len(name := host.removeprefix("www.").partition(".")[0]) >= _SHORTEST_NAMESPACE
            and name not in _COMMON_WORDS
        }

    @cached_property
    def names_of_institutions(self) -> frozenset[str]:
        """Names of these apps and accounts in lower case, without store or platform."""
        return frozenset(value.partition(":")[2].lower() for value in (*self.apps, *self.profiles))

    @cached_property
    def numbers(self) -> Mapping[str, Allowlist]:
        """Telephone numbers that cannot belong to a scammer."""
        return self._first(EntryType.NUMBERS)

    @cached_property
    def senders(self) -> Mapping[str, Allowlist]:
        """The names of senders in these lists, by country, without signs and blanks: ``TH:KBANK`` for K-Bank."""
        return {bare_sender(number): found for number, found in self.numbers.items() if not number.startswith("+")}

    @cached_property
    def number_ranges(self) -> tuple[re.Pattern[str], Allowlist]:
        """A pattern of the numbers reserved for films and examples, written with the 0 dialled within a country."""
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
    """Sort networks by first address and drop nested ones, so that only one can contain an address."""
    starts: list[int] = []
    ends: list[tuple[int, Allowlist]] = []
    for first in sorted(found):
        if not ends or found[first][0] > ends[-1][0]:
            starts.append(first)
            ends.append(found[first])
    return starts, ends


def bare_sender(name: str) -> str:
    """Return the name of a sender in normal form without signs and blanks, which people leave out."""
    return name[:3] + re.sub(r"[\W_]+", "", name[3:])
