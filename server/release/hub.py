"""The hub: its store, and the rules that it releases by."""

from dataclasses import dataclass, field
from datetime import timedelta

from server.release.facts import FactCache
from server.release.guard.allowlists.lookup import Allowlists
from server.release.publish.drafts import AlikeDrafts
from server.release.requests.limits import RequestLimits
from server.release.route.policy import Policy
from server.store import Store


@dataclass(frozen=True)
class Hub:
    """All that belongs to one hub for as long as it runs; several hubs in one process know nothing of each other.

    Without a ``policy`` it releases by the default rules, without ``allowlists`` it checks those that are bundled.
    """

    store: Store
    policy: Policy = field(default_factory=Policy)
    allowlists: Allowlists = field(default_factory=Allowlists)
    request_limits: RequestLimits = field(default_factory=RequestLimits)
    # Within which keepers should answer.
    answer_target: timedelta = timedelta(hours=4)
    # What more partners than these read is taken back by two persons.
    most_readers_by_one: int = 20
    facts: FactCache = field(default_factory=FactCache, init=False, repr=False, compare=False)
    alike_drafts: AlikeDrafts = field(default_factory=AlikeDrafts, init=False, repr=False, compare=False)
