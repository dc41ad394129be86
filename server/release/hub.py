"""The hub: its store, and the rules that it releases by."""

from dataclasses import dataclass, field
from datetime import timedelta

from server.release.facts import FactCache
from server.release.guard.allowlists.lookup import Allowlists
from server.release.policies.in_force import PolicyInForce
from server.release.requests.limits import RequestLimits
from server.release.route.policy import Policy
from server.store import Store


@dataclass(frozen=True)
class Hub:
    """All that belongs to one hub for as long as it runs; several hubs in one process know nothing of each other.

    Without a ``policy`` it releases by what two persons decided on, else by the default rules; ``rules`` has what is in
    force. Without ``allowlists`` it checks those that are bundled.
    """

    store: Store
    policy: Policy = field(default_factory=Policy)
    allowlists: Allowlists = field(default_factory=Allowlists)
    request_limits: RequestLimits = field(default_factory=RequestLimits)
    # Within which keepers should answer.
    answer_target: timedelta = timedelta(hours=4)
    # What more partners than these read is taken back by two persons.
    most_readers_by_one: int = 20
    # The days for which an account counts as one of whoever added it, or was shown its link.
    new_account_days: int = 7
    # Days for which requests between institutions that were open before delay the erasure of a value.
    erasure_wait_days: int = 3
    facts: FactCache = field(default_factory=FactCache, init=False, repr=False, compare=False)
    rules: PolicyInForce = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Release by the rules in force."""
        object.__setattr__(self, "rules", PolicyInForce(self.policy))
