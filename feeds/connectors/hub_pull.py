"""Hub reports of another hub; one for each `[[peer]]` table with a `url`."""

from contextlib import closing
from typing import Annotated, ClassVar

from pydantic import Field

from feeds.connector import Exchange, FeedSettings, Misconfigured
from feeds.runs.hub_round import PeerRound
from feeds.runs.run import RunContext
from feeds.transport.client import LoginSettings, RequestRefused
from feeds.transport.hub import PeerClient
from server.features.federation import origins


class HubPullSettings(LoginSettings, FeedSettings):
    """The peer, and the login there."""

    peer: Annotated[str, Field(description="the name of the peer in its `[[peer]]` table")]
    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the peer's API root")]
    replaces: Annotated[
        dict[str, tuple[str, ...]],
        Field(
            default_factory=dict,
            description="partners whose reports end when the first set of an origin is complete, by origin",
        ),
    ]


class HubPull(Exchange[HubPullSettings]):
    """Reads the heads and the hub reports of another hub, stores what their origins signed, and relays it.

    The hub makes this feed from each `[[peer]]` table with a `url`.
    """

    name: ClassVar[str] = "hub-pull"
    settings_model = HubPullSettings

    def exchange(self, work: RunContext) -> None:
        settings = self.settings
        peer = next((peer for peer in work.hub.peers if peer.name == settings.peer), None)
        if peer is None:
            raise Misconfigured(f"peer: there is no [[peer]] table with the name {settings.peer!r}")
        with work.store.read() as tx:
            if origins.own(tx).origin == peer.origin:
                raise Misconfigured(f"key: {peer.origin} is the name of this hub's own key; every hub needs its own")
        try:
            with closing(PeerClient(settings, settings.url)) as client:
                PeerRound(work, peer, client, settings.batch, settings.replaces).run()
        except RequestRefused as error:
            raise Misconfigured(f"{error.peer}: refuses the request ({error})", status=error.status) from error
