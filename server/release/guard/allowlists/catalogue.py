"""The allowlists by name: what each contains, and what to report instead of a value that matches."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class EntryType(StrEnum):
    """The type of a list's entries: it decides how a value is compared with them."""

    SITES = "sites"  # a host, with or without www, and the domains above it
    SHARED = "shared"  # as sites, of hosts where anybody can have pages, or host names below
    OWNED = "owned"  # a host and every host below it: its owner answers for all pages there
    ADDRESSES = "addresses"  # IP addresses and networks
    WALLETS = "wallets"  # addresses in normal form
    NUMBERS = "numbers"  # telephone numbers in normal form
    ACCOUNTS = "accounts"  # bank accounts in normal form
    APPS = "apps"  # apps in normal form
    PROFILES = "profiles"  # social accounts in normal form
    RANGES = "ranges"  # telephone numbers, as regular expressions over their digits


@dataclass(frozen=True)
class Allowlist:
    """One list: ``what`` describes an entry, ``instead`` is what a partner can report in place of it.

    ``strangers_below``: anybody can get a host name below the entries, so such hosts are not the entries' owners'.
    """

    name: str
    entry_type: EntryType
    what: str
    instead: str
    strangers_below: bool = False


class AllowlistMatch(NamedTuple):
    """The list that has a reported value, and a message that says what to report instead, without the value."""

    list: str
    message: str


def match_of(allowlist: Allowlist | None, where: str = "") -> AllowlistMatch | None:
    """Return the match with a list, None without a list; ``where`` is the value's place ("a host below ")."""
    if allowlist is None:
        return None
    message = f"this is {where}{allowlist.what} (list {allowlist.name}): {allowlist.instead}"
    return AllowlistMatch(allowlist.name, message)


_SITE = "report the page itself (url) if the scam is on one, or the host that looks like it"
_SHARED = "it serves many besides the scammer: report the page (url), or the scam's host below it"
_BANK = "report the site that imitates it; if this page was really broken into, ask the hub's operator to approve it"
_ADDRESS = "it serves many besides the scammer: report the host (domain) or the page (url)"
_EXCHANGE = "many customers' coins pass it: report the customer's deposit address, or a case to the exchange"
_NOBODYS = "nobody has its key: report the address that the coins came from or went to"
_EXAMPLE = "nobody holds it: report the account that was really named"
_NUMBER = "it cannot be a scammer's: callers show such numbers falsely; report the number that was asked to call"
_APP = "a copy has another file under the same name: report the page that spreads it (url), its hash as evidence"
_PROFILE = "report the account that imitates it, by its own address"

ALLOWLISTS: dict[str, Allowlist] = {
    allowlist.name: allowlist
    for allowlist in (
        Allowlist("local-owned", EntryType.OWNED, "a domain that this hub's operator protects", _BANK),
        Allowlist("bank-website", EntryType.OWNED, "a bank's own domain", _BANK),
        Allowlist("owned-sites", EntryType.OWNED, "an owner's own domain, often imitated by scams", _BANK),
        Allowlist(
            "institution-sites", EntryType.OWNED, "a bank's, payment service's, public body's or carrier's own", _BANK
        ),
        Allowlist(
            "local-shared",
            EntryType.SHARED,
            "a service that this hub's operator knows as shared",
            _SHARED,
            strangers_below=True,
        ),
        Allowlist(
            "hosting-sites",
            EntryType.SHARED,
            "a service that gives names below its own domain to anybody",
            _SHARED,
            strangers_below=True,
        ),
        Allowlist("short-links", EntryType.SHARED, "a service whose short addresses are its users'", _SHARED),
        Allowlist("institution-platforms", EntryType.SHARED, "a platform whose pages are its users'", _SHARED),
        Allowlist("user-content", EntryType.SHARED, "a service whose pages are its users'", _SHARED),
        Allowlist("url-shortener", EntryType.SHARED, "a shortener of links", _SHARED, strangers_below=True),
        Allowlist("link-in-bio", EntryType.SHARED, "a service for pages of links", _SHARED, strangers_below=True),
        Allowlist(
            "lots-project", EntryType.SHARED, "a service that anybody may put pages on", _SHARED, strangers_below=True
        ),
        Allowlist("public-ipfs-gateways", EntryType.SHARED, "a gateway to IPFS", _SHARED, strangers_below=True),
        Allowlist("university_domains", EntryType.SHARED, "a university's domain", _SHARED, strangers_below=True),
        Allowlist("academic", EntryType.SHARED, "a university's domain", _SHARED, strangers_below=True),
        Allowlist(
            "dynamic-dns",
            EntryType.SHARED,
            "a domain below which a provider gives names to anybody",
            _SHARED,
            strangers_below=True,
        ),
        Allowlist("local-sites", EntryType.SITES, "a site that this hub's operator knows as harmless", _SITE),
        Allowlist("institution-hosts", EntryType.SITES, "an institution's own domain", _SITE),
        Allowlist("tranco10k", EntryType.SITES, "one of the 10,000 most used sites by Tranco", _SITE),
        Allowlist(
            "majestic_million", EntryType.SITES, "one of the 10,000 sites with the most links by Majestic", _SITE
        ),
        Allowlist("alexa", EntryType.SITES, "one of the 1,000 most visited sites by Alexa", _SITE),
        Allowlist("moz-top500", EntryType.SITES, "one of the 500 sites with the most links by Moz", _SITE),
        Allowlist("cisco_top5k", EntryType.SITES, "one of the 5,000 hosts most asked for, by Cisco Umbrella", _SITE),
        Allowlist("google", EntryType.SITES, "a domain of Google's", _SITE),
        Allowlist("microsoft", EntryType.SITES, "a domain of Microsoft's", _SITE),
        Allowlist("microsoft-office365", EntryType.SITES, "a host of Microsoft 365", _SITE),
        Allowlist("captive-portals", EntryType.SITES, "a host by which devices check that they are online", _SITE),
        Allowlist("findip-host", EntryType.SITES, "a host that shows visitors their own address", _SITE),
        Allowlist("whats-my-ip", EntryType.SITES, "a host that shows visitors their own address", _SITE),
        Allowlist("shared-addresses", EntryType.ADDRESSES, "an address that serves many at once", _ADDRESS),
        Allowlist(
            "local-addresses", EntryType.ADDRESSES, "an address that this hub's operator knows as harmless", _ADDRESS
        ),
        Allowlist("ovh-cluster", EntryType.ADDRESSES, "an address of OVH's shared hosting", _ADDRESS),
        Allowlist("zscaler", EntryType.ADDRESSES, "an address of Zscaler's network", _ADDRESS),
        Allowlist("wikimedia", EntryType.ADDRESSES, "an address of Wikimedia's", _ADDRESS),
        Allowlist("googlebot", EntryType.ADDRESSES, "an address of Google's crawler", _ADDRESS),
        Allowlist(
            "umbrella-blockpage-v4",
            EntryType.ADDRESSES,
            "an address that a filter shows in place of blocked sites",
            _ADDRESS,
        ),
        Allowlist("sinkholes", EntryType.ADDRESSES, "an address to which seized names point (a sinkhole)", _ADDRESS),
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
        Allowlist("nobodys-wallets", EntryType.WALLETS, "an address at which coins are burnt", _NOBODYS),
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
