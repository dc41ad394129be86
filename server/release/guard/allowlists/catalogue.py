"""The allowlists by name: what each contains, and what to report instead of a value that matches."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class EntryType(StrEnum):
    """What the entries of a list are, which says how a value is compared with them."""

    SITES = "sites"  # a host; with www before it, and without what is before it
    SHARED = "shared"  # the same, of hosts where anybody may put pages, or names of their own below them
    OWNED = "owned"  # a host and all below it, of which its owner answers for every page
    ADDRESSES = "addresses"  # IP addresses and networks
    WALLETS = "wallets"  # addresses in their normal form
    NUMBERS = "numbers"  # telephone numbers in their normal form
    ACCOUNTS = "accounts"  # bank accounts in their normal form
    APPS = "apps"  # apps in their normal form
    PROFILES = "profiles"  # social accounts in their normal form
    RANGES = "ranges"  # telephone numbers, as regular expressions over their digits


@dataclass(frozen=True)
class Allowlist:
    """One list: its name, what its entries are, what they are called, and the way out for who has hit it.

    ``names``: strangers get host names below its entries, so that these are not the entries' owners'.
    """

    name: str
    holds: EntryType
    what: str
    instead: str
    names: bool = False


_SITE = "report the page itself (url) if the scam is on one, or the host that looks like it"
_SHARED = "it serves many besides the scammer: report the page (url), or the host below it that is the scam's"
_BANK = "report the site that imitates it; if this page was really broken into, ask the hub's operator to approve it"
_ADDRESS = "it serves many besides the scammer: report the host (domain) or the page (url)"
_EXCHANGE = "many customers' coins pass it: report the customer's deposit address, or a case to the exchange"
_NOBODYS = "nobody has its key: report the address that the coins came from or went to"
_EXAMPLE = "nobody holds it: report the account that was really named"
_NUMBER = "it cannot be a scammer's: callers show such numbers falsely; report the number that was asked to call"
_APP = "a copy under this name is told by its file: report the page that spreads it (url), its hash as evidence"
_PROFILE = "report the account that imitates it, by its own address"

ALLOWLISTS: dict[str, Allowlist] = {
    each.name: each
    for each in (
        Allowlist("local-owned", EntryType.OWNED, "a domain that this hub's operator protects", _BANK),
        Allowlist("bank-website", EntryType.OWNED, "a bank's own domain", _BANK),
        Allowlist("owned-sites", EntryType.OWNED, "a domain that scams imitate, its owner's own", _BANK),
        Allowlist(
            "institution-sites", EntryType.OWNED, "a bank's, payment service's, public body's or carrier's own", _BANK
        ),
        Allowlist(
            "local-shared", EntryType.SHARED, "a service that this hub's operator knows as shared", _SHARED, names=True
        ),
        Allowlist(
            "hosting-sites",
            EntryType.SHARED,
            "a service that gives names below its own to anybody",
            _SHARED,
            names=True,
        ),
        Allowlist("short-links", EntryType.SHARED, "a service whose short addresses are its users'", _SHARED),
        Allowlist("institution-platforms", EntryType.SHARED, "a platform whose pages are its users'", _SHARED),
        Allowlist("user-content", EntryType.SHARED, "a service whose pages are its users'", _SHARED),
        Allowlist("url-shortener", EntryType.SHARED, "a shortener of links", _SHARED, names=True),
        Allowlist("link-in-bio", EntryType.SHARED, "a service for pages of links", _SHARED, names=True),
        Allowlist("lots-project", EntryType.SHARED, "a service that anybody may put pages on", _SHARED, names=True),
        Allowlist("public-ipfs-gateways", EntryType.SHARED, "a gateway to IPFS", _SHARED, names=True),
        Allowlist("university_domains", EntryType.SHARED, "a university's domain", _SHARED, names=True),
        Allowlist("academic", EntryType.SHARED, "a university's domain", _SHARED, names=True),
        Allowlist("dynamic-dns", EntryType.SHARED, "a domain that a provider gives names below", _SHARED, names=True),
        Allowlist("local-sites", EntryType.SITES, "a site that this hub's operator knows as harmless", _SITE),
        Allowlist("institution-hosts", EntryType.SITES, "an institution's own domain", _SITE),
        Allowlist("tranco10k", EntryType.SITES, "one of the 10,000 most used sites by Tranco", _SITE),
        Allowlist(
            "majestic_million", EntryType.SITES, "one of the 10,000 sites with the most links by Majestic", _SITE
        ),
        Allowlist("alexa", EntryType.SITES, "one of the 1,000 most visited sites by Alexa", _SITE),
        Allowlist("moz-top500", EntryType.SITES, "one of the 500 sites with the most links by Moz", _SITE),
        Allowlist(
            "cisco_top5k", EntryType.SITES, "one of the 5,000 hosts that are asked for most, by Cisco Umbrella", _SITE
        ),
        Allowlist("google", EntryType.SITES, "a domain of Google's", _SITE),
        Allowlist("microsoft", EntryType.SITES, "a domain of Microsoft's", _SITE),
        Allowlist("microsoft-office365", EntryType.SITES, "a host of Microsoft 365", _SITE),
        Allowlist("captive-portals", EntryType.SITES, "a host that devices ask whether they are online", _SITE),
        Allowlist("findip-host", EntryType.SITES, "a host that says one's own address", _SITE),
        Allowlist("whats-my-ip", EntryType.SITES, "a host that says one's own address", _SITE),
        Allowlist("shared-addresses", EntryType.ADDRESSES, "an address that serves many at once", _ADDRESS),
        Allowlist(
            "local-addresses", EntryType.ADDRESSES, "an address that this hub's operator knows as harmless", _ADDRESS
        ),
        Allowlist("ovh-cluster", EntryType.ADDRESSES, "an address of OVH's shared hosting", _ADDRESS),
        Allowlist("zscaler", EntryType.ADDRESSES, "an address of Zscaler's network", _ADDRESS),
        Allowlist("wikimedia", EntryType.ADDRESSES, "an address of Wikimedia's", _ADDRESS),
        Allowlist("googlebot", EntryType.ADDRESSES, "an address of Google's crawler", _ADDRESS),
        Allowlist(
            "umbrella-blockpage-v4", EntryType.ADDRESSES, "an address that a filter shows in place of others", _ADDRESS
        ),
        Allowlist("sinkholes", EntryType.ADDRESSES, "an address that taken-down names are led to", _ADDRESS),
        Allowlist("public-dns-v4", EntryType.ADDRESSES, "a public DNS resolver", _ADDRESS),
        Allowlist("public-dns-v6", EntryType.ADDRESSES, "a public DNS resolver", _ADDRESS),
        Allowlist("parking-domain", EntryType.ADDRESSES, "an address of parked domains", _ADDRESS),
        Allowlist("akamai", EntryType.ADDRESSES, "an address of Akamai's network", _ADDRESS),
        Allowlist("cloudflare", EntryType.ADDRESSES, "an address of Cloudflare's network", _ADDRESS),
        Allowlist("fastly", EntryType.ADDRESSES, "an address of Fastly's network", _ADDRESS),
        Allowlist("stackpath", EntryType.ADDRESSES, "an address of StackPath's network", _ADDRESS),
        Allowlist("microsoft-office365-ip", EntryType.ADDRESSES, "an address of Microsoft 365", _ADDRESS),
        Allowlist("smtp-receiving-ips", EntryType.ADDRESSES, "a large provider's mail server", _ADDRESS),
        Allowlist("smtp-sending-ips", EntryType.ADDRESSES, "a large provider's mail server", _ADDRESS),
        Allowlist("exchange-wallets-binance", EntryType.WALLETS, "a wallet of the exchange Binance", _EXCHANGE),
        Allowlist("exchange-wallets-bybit", EntryType.WALLETS, "a wallet of the exchange Bybit", _EXCHANGE),
        Allowlist("exchange-wallets-deribit", EntryType.WALLETS, "a wallet of the exchange Deribit", _EXCHANGE),
        Allowlist("exchange-wallets-huobi", EntryType.WALLETS, "a wallet of the exchange Huobi (HTX)", _EXCHANGE),
        Allowlist("exchange-wallets", EntryType.WALLETS, "a wallet of an exchange", _EXCHANGE),
        Allowlist(
            "richest_addresses", EntryType.WALLETS, "one of the largest wallets, of an exchange or a miner", _EXCHANGE
        ),
        Allowlist("nobodys-wallets", EntryType.WALLETS, "an address that coins are burnt at", _NOBODYS),
        Allowlist("contracts", EntryType.WALLETS, "a contract that all holders of a coin use", _NOBODYS),
        Allowlist("token-contracts", EntryType.WALLETS, "the contract of a coin or a known service", _NOBODYS),
        Allowlist("local-wallets", EntryType.WALLETS, "a wallet that this hub's operator knows as harmless", _EXCHANGE),
        Allowlist(
            "iban-examples", EntryType.ACCOUNTS, "an example of the IBAN registry or of a bank's manual", _EXAMPLE
        ),
        Allowlist("phone_numbers", EntryType.RANGES, "a number kept free for films and examples", _NUMBER),
        Allowlist("hotlines", EntryType.NUMBERS, "a public hotline", _NUMBER),
        Allowlist("institution-numbers", EntryType.NUMBERS, "an institution's own number or sender name", _NUMBER),
        Allowlist("institution-apps", EntryType.APPS, "an institution's own app", _APP),
        Allowlist("local-apps", EntryType.APPS, "an app that this hub's operator knows as harmless", _APP),
        Allowlist("institution-accounts", EntryType.PROFILES, "an institution's own account", _PROFILE),
        Allowlist(
            "local-accounts", EntryType.PROFILES, "an account that this hub's operator knows as harmless", _PROFILE
        ),
        Allowlist("local-numbers", EntryType.NUMBERS, "a number that this hub's operator knows as harmless", _NUMBER),
    )
}


class AllowlistMatch(NamedTuple):
    """The list that a value is on, and what to do instead; the value itself is not said again."""

    list: str
    message: str


def match_of(listing: Allowlist | None, where: str = "") -> AllowlistMatch | None:
    """Give the hit that a list comes to, None for none; ``where`` is how the value stands to the entry (``below``)."""
    if listing is None:
        return None
    return AllowlistMatch(listing.name, f"this is {where}{listing.what} (list {listing.name}): {listing.instead}")
