"""Which lists there are: what each holds, and what may be reported instead of what is on it."""

from dataclasses import dataclass
from enum import StrEnum


class Holds(StrEnum):
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
class Listing:
    """One list: its name, what its entries are, what they are called, and the way out for who has hit it.

    ``names``: strangers get host names below its entries, so that these are not the entries' owners'.
    """

    name: str
    holds: Holds
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

EVERY: dict[str, Listing] = {
    each.name: each
    for each in (
        Listing("local-owned", Holds.OWNED, "a domain that this hub's operator protects", _BANK),
        Listing("bank-website", Holds.OWNED, "a bank's own domain", _BANK),
        Listing("owned-sites", Holds.OWNED, "a domain that scams imitate, its owner's own", _BANK),
        Listing("institution-sites", Holds.OWNED, "a bank's, payment service's, public body's or carrier's own", _BANK),
        Listing(
            "local-shared", Holds.SHARED, "a service that this hub's operator knows as shared", _SHARED, names=True
        ),
        Listing(
            "hosting-sites", Holds.SHARED, "a service that gives names below its own to anybody", _SHARED, names=True
        ),
        Listing("short-links", Holds.SHARED, "a service whose short addresses are its users'", _SHARED),
        Listing("institution-platforms", Holds.SHARED, "a platform whose pages are its users'", _SHARED),
        Listing("user-content", Holds.SHARED, "a service whose pages are its users'", _SHARED),
        Listing("url-shortener", Holds.SHARED, "a shortener of links", _SHARED, names=True),
        Listing("link-in-bio", Holds.SHARED, "a service for pages of links", _SHARED, names=True),
        Listing("lots-project", Holds.SHARED, "a service that anybody may put pages on", _SHARED, names=True),
        Listing("public-ipfs-gateways", Holds.SHARED, "a gateway to IPFS", _SHARED, names=True),
        Listing("university_domains", Holds.SHARED, "a university's domain", _SHARED, names=True),
        Listing("academic", Holds.SHARED, "a university's domain", _SHARED, names=True),
        Listing("dynamic-dns", Holds.SHARED, "a domain that a provider gives names below", _SHARED, names=True),
        Listing("local-sites", Holds.SITES, "a site that this hub's operator knows as harmless", _SITE),
        Listing("institution-hosts", Holds.SITES, "an institution's own domain", _SITE),
        Listing("tranco10k", Holds.SITES, "one of the 10,000 most used sites by Tranco", _SITE),
        Listing("majestic_million", Holds.SITES, "one of the 10,000 sites with the most links by Majestic", _SITE),
        Listing("alexa", Holds.SITES, "one of the 1,000 most visited sites by Alexa", _SITE),
        Listing("moz-top500", Holds.SITES, "one of the 500 sites with the most links by Moz", _SITE),
        Listing("cisco_top5k", Holds.SITES, "one of the 5,000 hosts that are asked for most, by Cisco Umbrella", _SITE),
        Listing("google", Holds.SITES, "a domain of Google's", _SITE),
        Listing("microsoft", Holds.SITES, "a domain of Microsoft's", _SITE),
        Listing("microsoft-office365", Holds.SITES, "a host of Microsoft 365", _SITE),
        Listing("captive-portals", Holds.SITES, "a host that devices ask whether they are online", _SITE),
        Listing("findip-host", Holds.SITES, "a host that says one's own address", _SITE),
        Listing("whats-my-ip", Holds.SITES, "a host that says one's own address", _SITE),
        Listing("shared-addresses", Holds.ADDRESSES, "an address that serves many at once", _ADDRESS),
        Listing("local-addresses", Holds.ADDRESSES, "an address that this hub's operator knows as harmless", _ADDRESS),
        Listing("ovh-cluster", Holds.ADDRESSES, "an address of OVH's shared hosting", _ADDRESS),
        Listing("zscaler", Holds.ADDRESSES, "an address of Zscaler's network", _ADDRESS),
        Listing("wikimedia", Holds.ADDRESSES, "an address of Wikimedia's", _ADDRESS),
        Listing("googlebot", Holds.ADDRESSES, "an address of Google's crawler", _ADDRESS),
        Listing(
            "umbrella-blockpage-v4", Holds.ADDRESSES, "an address that a filter shows in place of others", _ADDRESS
        ),
        Listing("sinkholes", Holds.ADDRESSES, "an address that taken-down names are led to", _ADDRESS),
        Listing("public-dns-v4", Holds.ADDRESSES, "a public DNS resolver", _ADDRESS),
        Listing("public-dns-v6", Holds.ADDRESSES, "a public DNS resolver", _ADDRESS),
        Listing("parking-domain", Holds.ADDRESSES, "an address of parked domains", _ADDRESS),
        Listing("akamai", Holds.ADDRESSES, "an address of Akamai's network", _ADDRESS),
        Listing("cloudflare", Holds.ADDRESSES, "an address of Cloudflare's network", _ADDRESS),
        Listing("fastly", Holds.ADDRESSES, "an address of Fastly's network", _ADDRESS),
        Listing("stackpath", Holds.ADDRESSES, "an address of StackPath's network", _ADDRESS),
        Listing("microsoft-office365-ip", Holds.ADDRESSES, "an address of Microsoft 365", _ADDRESS),
        Listing("smtp-receiving-ips", Holds.ADDRESSES, "a large provider's mail server", _ADDRESS),
        Listing("smtp-sending-ips", Holds.ADDRESSES, "a large provider's mail server", _ADDRESS),
        Listing("exchange-wallets-binance", Holds.WALLETS, "a wallet of the exchange Binance", _EXCHANGE),
        Listing("exchange-wallets-bybit", Holds.WALLETS, "a wallet of the exchange Bybit", _EXCHANGE),
        Listing("exchange-wallets-deribit", Holds.WALLETS, "a wallet of the exchange Deribit", _EXCHANGE),
        Listing("exchange-wallets-huobi", Holds.WALLETS, "a wallet of the exchange Huobi (HTX)", _EXCHANGE),
        Listing("exchange-wallets", Holds.WALLETS, "a wallet of an exchange", _EXCHANGE),
        Listing("richest_addresses", Holds.WALLETS, "one of the largest wallets, of an exchange or a miner", _EXCHANGE),
        Listing("nobodys-wallets", Holds.WALLETS, "an address that coins are burnt at", _NOBODYS),
        Listing("contracts", Holds.WALLETS, "a contract that all holders of a coin use", _NOBODYS),
        Listing("token-contracts", Holds.WALLETS, "the contract of a coin or a known service", _NOBODYS),
        Listing("local-wallets", Holds.WALLETS, "a wallet that this hub's operator knows as harmless", _EXCHANGE),
        Listing("iban-examples", Holds.ACCOUNTS, "an example of the IBAN registry or of a bank's manual", _EXAMPLE),
        Listing("phone_numbers", Holds.RANGES, "a number kept free for films and examples", _NUMBER),
        Listing("hotlines", Holds.NUMBERS, "a public hotline", _NUMBER),
        Listing("institution-numbers", Holds.NUMBERS, "an institution's own number or sender name", _NUMBER),
        Listing("institution-apps", Holds.APPS, "an institution's own app", _APP),
        Listing("local-apps", Holds.APPS, "an app that this hub's operator knows as harmless", _APP),
        Listing("institution-accounts", Holds.PROFILES, "an institution's own account", _PROFILE),
        Listing("local-accounts", Holds.PROFILES, "an account that this hub's operator knows as harmless", _PROFILE),
        Listing("local-numbers", Holds.NUMBERS, "a number that this hub's operator knows as harmless", _NUMBER),
    )
}
