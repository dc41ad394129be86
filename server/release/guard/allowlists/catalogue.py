"""The allowlists by name: their contents, and advice for reporters of a value that matches."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class EntryType(StrEnum):
    """The type of a list's entries, which decides how a value is compared with them."""

    SITES = "sites"  # a host, with or without www, and the domains above it
    SHARED = "shared"  # as sites, of hosts where anybody can have pages, or host names below
    OWNED = "owned"  # a host and every host below it: its owner is responsible for all pages there
    ADDRESSES = "addresses"  # IP addresses and networks
    WALLETS = "wallets"  # addresses in normal form
    NUMBERS = "numbers"  # telephone numbers in normal form
    ACCOUNTS = "accounts"  # bank accounts in normal form
    ALIASES = "aliases"  # payment aliases in normal form
    COMPANIES = "companies"  # companies in normal form
    INSTITUTIONS = "institutions"  # written as a partner's institutions are: all their accounts
    SERVICES = (
        "services"  # domains whose direct subdomains belong to their owner, even if customers have names further below
    )
    APPS = "apps"  # apps in normal form
    PROFILES = "profiles"  # social accounts in normal form
    RANGES = "ranges"  # telephone numbers, as regular expressions over their digits


@dataclass(frozen=True)
class Allowlist:
    """One list: ``what`` describes an entry, ``instead`` is what a partner can report in place of it.

    ``strangers_below``: anybody can get a host name below the entries, so such hosts do not belong to the entries'
    owners.
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


def reserved_match(name: str, what: str, instead: str) -> AllowlistMatch:
    """Return the match of a value that has a reserved form and needs no entry."""
    return AllowlistMatch(name, f"this is {what} (list {name}): {instead}")


_SITE = "report the page itself (url) if the scam is on one, or the host that looks like it"
_SHARED = "it serves many others besides the scammer: report the page (url), or the scam's host below it"
_BANK = "report the site that imitates it; if this page was really broken into, ask the hub's operator to approve it"
_ADDRESS = "it serves many others besides the scammer: report the host (domain) or the page (url)"
_EXCHANGE = (
    "many customers' coins pass through it: report the customer's deposit address, or send a case to the exchange"
)
_NOBODYS = "no person has its key: report the address that the coins came from or went to"
_EXAMPLE = "it has no holder: report the account that was really named"
_NUMBER = (
    "it cannot belong to a scammer, callers fake such numbers: report the number that the victim was asked to call"
)
_APP = (
    "a copy is a different file with the same name: report the page that distributes it (url), with its hash as "
    "evidence"
)
_PROFILE = "report the account that imitates it, by its own address"
_PAYEE = "report the account that the victim was really asked to pay; if this one is misused, ask the hub's operator"
_COMPANY = "scammers use its name and number: report the site, account or number that they use with it"
_SERVICE = "programs everywhere call it: report the page (url) or the customer's host that serves the scam"

ALLOWLISTS: dict[str, Allowlist] = {
    allowlist.name: allowlist
    for allowlist in (
        Allowlist("local-owned", EntryType.OWNED, "a domain that this hub's operator protects", _BANK),
        Allowlist("bank-website", EntryType.OWNED, "a bank's own domain", _BANK),
        Allowlist("owned-sites", EntryType.OWNED, "an owner's own domain, often imitated by scams", _BANK),
        Allowlist(
            "institution-sites", EntryType.OWNED, "a domain of a bank, payment service, public body or carrier", _BANK
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
        Allowlist("short-links", EntryType.SHARED, "a service whose short addresses belong to its users", _SHARED),
        Allowlist("institution-platforms", EntryType.SHARED, "a platform whose pages belong to its users", _SHARED),
        Allowlist("user-content", EntryType.SHARED, "a service whose pages belong to its users", _SHARED),
        Allowlist("url-shortener", EntryType.SHARED, "a shortener of links", _SHARED, strangers_below=True),
        Allowlist("link-in-bio", EntryType.SHARED, "a service for pages of links", _SHARED, strangers_below=True),
        Allowlist(
            "lots-project",
            EntryType.SHARED,
            "a service on which anybody may publish pages",
            _SHARED,
            strangers_below=True,
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
        Allowlist("closed-domains", EntryType.OWNED, "a domain of a company that has the whole ending", _BANK),
        Allowlist("charities", EntryType.OWNED, "a charity's own domain", _BANK),
        Allowlist("finance-sites", EntryType.OWNED, "a bank's, payment service's or public body's own domain", _BANK),
        Allowlist("authorities", EntryType.OWNED, "a central bank's, supervisor's or authority's own domain", _BANK),
        Allowlist("cloud-services", EntryType.SERVICES, "a cloud provider's own service", _SERVICE),
        Allowlist("local-sites", EntryType.SITES, "a site that this hub's operator knows as harmless", _SITE),
        Allowlist("institution-hosts", EntryType.SITES, "an institution's own domain", _SITE),
        Allowlist("known-sites", EntryType.SHARED, "the site of a well-known service", _SHARED, strangers_below=True),
        Allowlist(
            "known-services", EntryType.SITES, "a cloud's, payment service's or blockchain service's own domain", _SITE
        ),
        Allowlist("news-media", EntryType.SITES, "a newspaper's or broadcaster's own domain", _SITE),
        Allowlist("tranco10k", EntryType.SITES, "one of the 10,000 most used sites by Tranco", _SITE),
        Allowlist(
            "majestic_million",
            EntryType.SITES,
            "one of the 10,000 sites with the most incoming links by Majestic",
            _SITE,
        ),
        Allowlist("alexa", EntryType.SITES, "one of the 1,000 most visited sites by Alexa", _SITE),
        Allowlist("moz-top500", EntryType.SITES, "one of the 500 sites with the most incoming links by Moz", _SITE),
        Allowlist("cisco_top5k", EntryType.SITES, "one of the 5,000 most requested hosts by Cisco Umbrella", _SITE),
        Allowlist("google", EntryType.SITES, "a domain of Google's", _SITE),
        Allowlist("microsoft", EntryType.SITES, "a domain of Microsoft's", _SITE),
        Allowlist("microsoft-office365", EntryType.SITES, "a host of Microsoft 365", _SITE),
        Allowlist("captive-portals", EntryType.SITES, "a host by which devices check that they are online", _SITE),
        Allowlist("findip-host", EntryType.SITES, "a host that shows visitors their own address", _SITE),
        Allowlist("whats-my-ip", EntryType.SITES, "a host that shows visitors their own address", _SITE),
        Allowlist("shared-addresses", EntryType.ADDRESSES, "an address that serves many users at once", _ADDRESS),
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
        Allowlist("exchange-reserves", EntryType.WALLETS, "a wallet that an exchange publishes as its own", _EXCHANGE),
        Allowlist("bridges", EntryType.WALLETS, "a contract of a bridge between blockchains", _NOBODYS),
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
        Allowlist(
            "central-banks", EntryType.INSTITUTIONS, "an account at a central bank or a state's treasury", _PAYEE
        ),
        Allowlist(
            "charity-banks", EntryType.INSTITUTIONS, "an account at a bank of charities and social services", _PAYEE
        ),
        Allowlist(
            "official-accounts", EntryType.ACCOUNTS, "the published account of a public body or a charity", _PAYEE
        ),
        Allowlist("official-aliases", EntryType.ALIASES, "the published alias of a public body or a charity", _PAYEE),
        Allowlist(
            "bank-companies", EntryType.COMPANIES, "the registered number of a bank or another institution", _COMPANY
        ),
        Allowlist(
            "official-numbers", EntryType.NUMBERS, "the published number of a bank, a public body or a company", _NUMBER
        ),
        Allowlist("phone_numbers", EntryType.RANGES, "a number reserved for films and examples", _NUMBER),
        Allowlist("hotlines", EntryType.NUMBERS, "a public hotline", _NUMBER),
        Allowlist("institution-numbers", EntryType.NUMBERS, "an institution's own number or sender name", _NUMBER),
        Allowlist("institution-apps", EntryType.APPS, "an institution's own app", _APP),
        Allowlist("store-apps", EntryType.APPS, "the app of a bank or of another company that scams imitate", _APP),
        Allowlist("local-apps", EntryType.APPS, "an app that this hub's operator knows as harmless", _APP),
        Allowlist("institution-accounts", EntryType.PROFILES, "an institution's own account", _PROFILE),
        Allowlist("known-accounts", EntryType.PROFILES, "a well-known company's own account", _PROFILE),
        Allowlist("brand-accounts", EntryType.PROFILES, "the account of a brand that scams imitate", _PROFILE),
        Allowlist(
            "local-accounts", EntryType.PROFILES, "an account that this hub's operator knows as harmless", _PROFILE
        ),
        Allowlist("local-numbers", EntryType.NUMBERS, "a number that this hub's operator knows as harmless", _NUMBER),
    )
}
