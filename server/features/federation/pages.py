"""The pages of peers: all with their states and refused objects, one with its acts, and conflicts of findings."""

from flask import Response

from server.features.federation.decisions import NothingToDecide
from server.features.federation.desk import conflicts, quality, queries
from server.features.federation.desk.queries import PeerView
from server.features.federation.members import registers
from server.features.federation.operations import (
    AcceptPeerKey,
    AnnounceRestore,
    CountPeerAgain,
    LiftPeerThrottle,
    PeerNotThrottled,
)
from server.features.federation.own_state import NotPublished
from server.features.federation.peer_names import UnknownPeer, find_peer
from server.operations.dual_control import NotAllowed
from server.operations.rights import VIEWERS
from server.operations.run import run
from server.release.peers import PeerHub
from server.store.database.engine import Tx
from server.web.shell.forms import Refusals, go_on, refusing, submit
from server.web.shell.routes import FORM, MEMBERS, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PATH = "/console/peers"
_NO_PEER = mark("There is no such peer.")
_NOTHING = mark("Nothing of this peer waits for a decision. Look at its page again.")
_NOT_THROTTLED = mark("This peer is no longer throttled.")
_NOT_PUBLISHED = mark("This hub has not published any report to other hubs.")
_NOT_PROPOSED = mark("This needs a second person, and you cannot propose more at present.")
_REFUSALS: Refusals = {NothingToDecide: (409, _NOTHING), NotAllowed: (409, _NOT_PROPOSED)}
_MOST_CONFLICTS = 50
# The words of states, refusals and ways to count, as the pages show them.
WORDS: dict[str, Translatable] = {
    "current": mark("up to date"),
    "stale": mark("silent for too long"),
    "incomplete": mark("incomplete copy"),
    "throttled": mark("throttled"),
    "contradicts itself": mark("contradicts itself"),
    "unknown key": mark("unknown key"),
    "refused objects": mark("sent objects that were refused"),
    "connection": mark("no connection"),
    "unlinked members": mark("common members not linked"),
    "as-own": mark("each of its reporters counts"),
    "as-one": mark("all its reporters count as one"),
    "not": mark("does not count"),
    "unknown-origin": mark("from a hub that this hub does not know"),
    "unknown-key": mark("signed with an unknown key"),
    "bad-signature": mark("altered: the signature is wrong"),
    "bad-form": mark("not in the form of a hub report"),
    "anothers-id": mark("has the id of another report"),
    "not-for-this-hub": mark("meant for another hub"),
    "passed-on": mark("passed on without permission"),
    "too-many": mark("more than the quota allows"),
}
# What to do about each reason, on the page of the peer.
REMEDIES: dict[str, Translatable] = {
    "stale": mark(
        "No signed summary of its reports arrived within its lease. Its reports block nothing until one arrives. Check "
        "the connection, and ask its operators."
    ),
    "incomplete": mark(
        "A peer has only a part of the reports that the summary names. The hub asks the other peers. Ask the operators "
        "of the peer that delivered the part."
    ),
    "throttled": mark(
        "It protected more values in a day than a hub may. The rest waits in the reviews. Decide those, then lift the "
        "throttle."
    ),
    "contradicts itself": mark(
        "It signed two different reports with the same number. Nothing of it counts until two persons decide. Ask its "
        "operators for the cause first."
    ),
    "unknown key": mark(
        "It signs with a key that this hub does not know. Compare the new key with its operators by telephone or "
        "letter, then accept it here, or change the key in the settings."
    ),
    "refused objects": mark(
        "Objects of the last day were refused. A wrong signature means that the peer that sent the object altered it."
    ),
    "connection": mark("The connector that reads this peer does not work. Look at its page under “Feeds”."),
    "unlinked members": mark(
        "Common members are not linked, so that its reports are no second reporter for accounts and telephone numbers. "
        "Ask these members to link at both hubs."
    ),
}


def show_all(visit: Visit) -> Response:
    """Show all peers, the refused objects of each, and conflicts of findings."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        views, own = queries.peer_views(hub, tx), queries.own_reports(tx)
        found = conflicts.latest(tx, _MOST_CONFLICTS)
        count = conflicts.count(tx)
    refused = list(dict.fromkeys(one for view in views for one in view.refused))
    return visit.page(
        "operator/peers.html", views=views, own=own, refused=refused, conflicts=found, conflict_count=count, words=WORDS
    )


def show_one(visit: Visit, name: str) -> Response:
    """Show one peer, with the acts that operators can choose."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        peer = peer_named(visit, name)
        view = _view(visit, tx, peer)
        members = {member.organisation: member for member in registers.members(hub, tx)}
        judged = quality.of_origin(tx, peer.origin)
    return visit.page(
        "operator/peer.html",
        view=view,
        peer=peer,
        refused=view.refused,
        members=members,
        judged=judged,
        words=WORDS,
        remedies=REMEDIES,
    )


def decide(visit: Visit, name: str) -> Response:
    """Propose to count a peer again that contradicted itself."""
    with refusing(_REFUSALS):
        done = run(visit.site.hub, CountPeerAgain(peer=peer_named(visit, name)), visit.actor)
    return go_on(visit, done, f"{_PATH}/{name}")


def accept_key(visit: Visit, name: str) -> Response:
    """Propose to accept the new key of a peer."""
    with refusing(_REFUSALS):
        done = run(visit.site.hub, AcceptPeerKey(peer=peer_named(visit, name)), visit.actor)
    return go_on(visit, done, f"{_PATH}/{name}")


def lift_throttle(visit: Visit, name: str) -> Response:
    """Lift the throttle of a peer."""
    submit(visit, LiftPeerThrottle(peer=peer_named(visit, name)), {PeerNotThrottled: (409, _NOT_THROTTLED)})
    return visit.go(f"{_PATH}/{name}")


def announce_restore(visit: Visit) -> Response:
    """Sign new heads of the reports that remain after a restore."""
    submit(visit, AnnounceRestore(), {NotPublished: (409, _NOT_PUBLISHED)})
    return visit.go(_PATH)


def peer_named(visit: Visit, name: str) -> PeerHub:
    """Return the peer with that name. Raises ``PageRefused`` 404."""
    try:
        return find_peer(visit.site.hub, name)
    except UnknownPeer:
        raise PageRefused(404, _NO_PEER) from None


def _view(visit: Visit, tx: Tx, peer: PeerHub) -> PeerView:
    return next(view for view in queries.peer_views(visit.site.hub, tx) if view.peer == peer)


ROUTES = (
    Route(_PATH, VIEWERS, show_all, tab=Tab(MEMBERS, 5, mark("Other hubs"))),
    Route("/console/peers/<name>", VIEWERS, show_one),
    Route("/console/peers/<name>/decide", may_run(CountPeerAgain), decide, methods=FORM, is_fresh=True),
    Route("/console/peers/<name>/key", may_run(AcceptPeerKey), accept_key, methods=FORM, is_fresh=True),
    Route("/console/peers/<name>/lift", may_run(LiftPeerThrottle), lift_throttle, methods=FORM),
    Route("/console/peers-restored", may_run(AnnounceRestore), announce_restore, methods=FORM, is_fresh=True),
)
