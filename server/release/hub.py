"""The hub: its store, and its release rules."""

from dataclasses import dataclass, field
from datetime import timedelta

from server.release.facts import FactCache
from server.release.guard.allowlists.lookup import Allowlists
from server.release.peers import PeerHub
from server.release.policy_in_force import PolicyInForce
from server.release.route.policy import Policy
from server.store import Store


@dataclass(frozen=True)
class RequestLimits:
    """The limits of an organisation: requests that it may send a day and have open at once; 0 means no limit.

    A request without a response is closed ``unanswered_days`` after its deadline.
    """

    per_day: int = 500
    open_at_once: int = 2_000
    unanswered_days: int = 30
    # Takedown requests have limits of their own: one order names up to thousands of addresses.
    takedowns_per_day: int = 10_000
    takedowns_open: int = 50_000

    def of_group(self, *, takedowns: bool) -> tuple[int, int]:
        """Return the numbers a day and open at once for one group of requests."""
        return (self.takedowns_per_day, self.takedowns_open) if takedowns else (self.per_day, self.open_at_once)


@dataclass(frozen=True)
class Hub:
    """All that belongs to one hub while it runs; several hubs in one process are independent.

    Without a ``policy`` the rules last decided under dual control apply, or else the default rules; ``rules`` returns
    those in force. Without ``allowlists`` it checks the bundled ones.
    """

    store: Store
    policy: Policy = field(default_factory=Policy)
    allowlists: Allowlists = field(default_factory=Allowlists)
    request_limits: RequestLimits = field(default_factory=RequestLimits)
    # The time within which providers should report a finding.
    answer_target: timedelta = timedelta(hours=4)
    # A listing read by more partners than this is delisted only under dual control.
    most_readers_by_one: int = 20
    # The days for which an account counts as the same person as its creator, or as those shown its link.
    new_account_days: int = 7
    # Days by which open requests between institutions delay the erasure of a value.
    erasure_wait_days: int = 3
    # ISO 3166-1 alpha-2; the default for values that cannot be read without a country. Empty means none.
    country: str = ""
    # Listings that an organisation may end in 24 hours without a second person; 0 means any number.
    ends_per_day: int = 100
    # Other hubs that this hub exchanges reports with.
    peers: tuple[PeerHub, ...] = ()
    # Weights in hub reports are multiples of this.
    weight_step: int = 1
    # Partners for whom feeds contributed the fused listings of peers: their reports are second-hand.
    copies: frozenset[str] = frozenset()
    # Features that look at each value whose listing changed; the release notes such values only for these.
    followers: frozenset[str] = frozenset()
    # Values that the reports of one organisation alone block in an hour; further ones warn until a review. It may block
    # twice as many as in its largest hour of an earlier day. 0 means any number.
    burst: int = 500
    facts: FactCache = field(default_factory=FactCache, init=False, repr=False, compare=False)
    rules: PolicyInForce = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Release by the rules in force."""
        object.__setattr__(self, "rules", PolicyInForce(self.policy))
