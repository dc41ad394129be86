"""Run a feed, retry its dead letters, check its peer, deliver again, and order any of these from the schedule."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from server.features.feeds import orders
from server.features.feeds.feed_act import FeedAct
from server.features.feeds.orders import OrderAction
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS
from server.release.hub import Hub
from server.store.database.engine import Tx


class RunFeed(FeedAct):
    """Run one feed once, now."""

    name: ClassVar[str] = "feed run"
    verb: ClassVar[str] = "RUN"


class RetryFeed(FeedAct):
    """Try the dead letters of a feed again, and let a stopped feed run again."""

    name: ClassVar[str] = "feed retry"
    verb: ClassVar[str] = "RETRY"


class VerifyFeed(FeedAct):
    """Ask the peer of a push to show that deliveries reach it."""

    name: ClassVar[str] = "feed verify"
    verb: ClassVar[str] = "VERIFY"


class ReplayFeed(FeedAct):
    """Deliver again what a collection added since a date; the checkpoint stays."""

    name: ClassVar[str] = "feed replay"
    verb: ClassVar[str] = "REPLAY"


class OrderFeed(Operation[None]):
    """Order a run, a dry run or a retry of a feed from the schedule that has the feed."""

    name: ClassVar[str] = "feed order"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ORDER"
    what: ClassVar[str] = "feed"

    feed: str = Field(description="the name of the feed")
    action: OrderAction = Field(description="run, dry-run or retry")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Store the order. Raises ``OrderWaits`` if another order for the feed is open."""
        orders.give(tx, self.feed, self.action, actor.name)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the action and the name of the feed."""
        return [TrailEntry(self.verb, f"feed-{self.action}", reference=self.feed)]
