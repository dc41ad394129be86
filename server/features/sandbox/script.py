"""The script of the sandbox: synthetic listings of every kind and grade, and their changes minute by minute.

No value can ever belong to anybody: names of RFC 2606 and RFC 6761, addresses of RFC 5737 and RFC 3849, telephone
numbers that regulators reserve for drama, examples of the IBAN registry, addresses of coins that cannot be spent.
docs/sandbox.md names the source of each. The minutes count from the first read of the partner's client.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from schemas.kind import NO_DETAILS
from schemas.vocabulary import Action

# Increase it when a change of the script may require something new from clients.
VERSION = 1
# Minutes within which a client has to read a change, and to react to it.
READ_WITHIN, ANSWER_WITHIN = 10, 15
# Minutes for which a rehearsal continues after the last change.
PATIENCE = 30


class ListingChange(StrEnum):
    """A change of a listing."""

    LISTED = "listed"
    DISPUTED = "disputed"
    REVOKED = "revoked"
    RELISTED = "relisted"


class SandboxListing(NamedTuple):
    """A synthetic listing: its value, the readers' actions, and its changes, by minutes.

    It ends after ``lasts`` minutes, by default after a day. ``holds`` are the minutes of a hold that the police ask
    for.
    """

    name: str
    kind: str
    value: str
    grade: Action
    changes: tuple[tuple[int, ListingChange], ...] = ((0, ListingChange.LISTED),)
    details: Mapping[str, str] = NO_DETAILS
    disputed: bool = False
    lasts: int | None = None
    holds: int | None = None


_A_DAY = 24 * 60


def _chain(name: str) -> Mapping[str, str]:
    return MappingProxyType({"chain": name})


LISTINGS = (
    # Listings to act on, one of each kind.
    SandboxListing("domain", "domain", "shop.sandbox.example.org", Action.BLOCK),
    SandboxListing("url", "url", "https://login.sandbox.example.com/verify", Action.BLOCK),
    SandboxListing("address", "ip", "192.0.2.44", Action.BLOCK),
    SandboxListing("mailbox", "email", "refunds@sandbox.example.net", Action.BLOCK),
    SandboxListing("telephone", "phone", "+61491570156", Action.BLOCK),
    SandboxListing("account", "bank-account", "GB33BUKB20201555555555", Action.BLOCK),
    SandboxListing("alias", "payment-alias", "upi:sandbox@example", Action.BLOCK),
    SandboxListing("wallet", "wallet", "1BitcoinEaterAddressDontSendf59kuE", Action.BLOCK, details=_chain("bitcoin")),
    SandboxListing("profile", "social-account", "mastodon:sandbox@social.example.org", Action.BLOCK),
    SandboxListing("app", "app", "android:com.example.sandbox", Action.BLOCK),
    SandboxListing("company", "company", "LEI:0000SCAMFEEDSANDBO65", Action.BLOCK),
    # Listings to hold money at.
    SandboxListing("held-account", "bank-account", "DE89370400440532013000", Action.HOLD, holds=_A_DAY),
    # Listings too weak to act on.
    SandboxListing("step-up-account", "bank-account", "NL91ABNA0417164300", Action.STEP_UP),
    SandboxListing("warned-domain", "domain", "prize.sandbox.example.org", Action.WARN),
    SandboxListing("watched-domain", "domain", "parcel.sandbox.example.org", Action.MONITOR),
    SandboxListing("weak-telephone", "phone", "+12025550143", Action.INVESTIGATE),
    # Listings that change.
    SandboxListing(
        "disputed-domain",
        "domain",
        "bank.sandbox.example.org",
        Action.INVESTIGATE,
        ((2, ListingChange.LISTED),),
        disputed=True,
    ),
    SandboxListing(
        "contested-wallet",
        "wallet",
        "0x000000000000000000000000000000000000dead",
        Action.BLOCK,
        ((0, ListingChange.LISTED), (20, ListingChange.DISPUTED)),
        details=_chain("ethereum"),
    ),
    SandboxListing(
        "revoked-account",
        "bank-account",
        "SA0380000000608010167519",
        Action.BLOCK,
        ((0, ListingChange.LISTED), (20, ListingChange.REVOKED)),
    ),
    SandboxListing(
        "relisted-domain",
        "domain",
        "again.sandbox.example.org",
        Action.BLOCK,
        ((0, ListingChange.LISTED), (20, ListingChange.REVOKED), (40, ListingChange.RELISTED)),
    ),
    SandboxListing("short-telephone", "phone", "+61491570157", Action.BLOCK, ((2, ListingChange.LISTED),), lasts=20),
)
BY_NAME: Mapping[str, SandboxListing] = MappingProxyType({listing.name: listing for listing in LISTINGS})
# Every change, in the order of time: minute, listing, change.
CHANGES = tuple(
    sorted(
        ((minute, listing, change) for listing in LISTINGS for minute, change in listing.changes),
        key=lambda entry: entry[0],
    )
)
LAST_MINUTE = CHANGES[-1][0]
