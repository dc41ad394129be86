"""Messages between hubs about requests, questions and objections: signed here for one peer, and taken from one.

A message goes from its origin to one peer, and is never relayed: the hub that delivers it has to be its origin.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable

from mappers import marking
from schemas.errors import Rejected
from schemas.hub_message import HubMessage, signed
from schemas.tlog.notes import NoteSigner
from schemas.vocabulary import Tlp
from server.features.federation.checking import NOT_FOR_US, PASSED_ON, TOO_MANY, CheckedPage
from server.features.federation.streams import HubStream
from server.release import hooks
from server.release.context import open_context
from server.release.hooks import PeerMessageHandler, PeerTaking
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import collections, log, quotas
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item
from server.store.peer_messages import messages

_AT_ONCE = 500
# Messages that a peer may send in a day; the order of the messages of each matter is stored for a year.
MOST_A_DAY = 20_000
_DAY = 86_400
# The order of messages is forgotten after a longer time, so older ones are refused.
MOST_AGE = 399 * 86_400_000_000


def publish(tx: Tx, streams: Iterable[HubStream], identity: str, key: NoteSigner, last: int) -> int:
    """Sign the messages that wait, and add each to the direct collection of its peer.

    ``identity`` is this hub's, and ``last`` the largest number that it gave; return the largest one now. A message to a
    hub that does not read here waits.
    """
    for stream in streams:
        waiting = [] if stream.peer is None else messages.waiting(tx, stream.peer.origin, _AT_ONCE)
        if stream.peer is None or not waiting:
            continue
        target = collections.private_collection(tx, stream.peer.partner, "hub-reports")
        [start] = log.reserve(tx, [(target, len(waiting))], last)
        notes = []
        for number, one in enumerate(waiting, start):
            message = HubMessage(
                *(key.verifier.name, identity, stream.name, number, one.kind, one.thread), json.loads(one.content)
            )
            notes.append(Item.of(signed(message, key, marking.ref(Tlp.AMBER_STRICT))))
            messages.published(tx, stream.peer.origin, one, number)
        log.append_all(tx, [(target, notes)], places={target.log: start})
        last = start + len(waiting) - 1
    return last


def take(hub: Hub, tx: Tx, peer: PeerHub, page: CheckedPage, identity: str) -> tuple[int, Callable[[], None]]:
    """Take signed messages that a peer delivered to this hub, whose identity is ``identity``.

    Return the number of new ones, and a function to call after the peer's other objects, since it adds to collections.
    A message that is not newer than the previous one changes nothing; its sender is told the refusal again.
    """
    if not page.messages:
        return 0, _nothing
    handlers = {kind: handler for handler in hooks.every(PeerMessageHandler) for kind in handler.kinds}
    found: dict[PeerMessageHandler, list[HubMessage]] = defaultdict(list)

    def refuse_message(message: HubMessage, refusal: Rejected) -> None:
        page.refuse_signed(message, refusal.reason)
        messages.note_refused(tx, peer.origin, message.thread, message.kind, refusal.reason)

    sent, unit = _newest(page.messages), f"peer {peer.name}"
    is_too_many = quotas.charge(tx, unit, "hub-messages", len(sent), limit=MOST_A_DAY, seconds=_DAY) > 0
    for message in sent:
        handler = handlers.get(message.kind)
        if is_too_many:
            page.refuse_signed(message, TOO_MANY)
            continue
        if message.number < now() - MOST_AGE:
            page.refuse_signed(message, "too-old")
        elif message.stream != identity:
            page.refuse_signed(message, NOT_FOR_US)
        elif message.origin != peer.origin:
            page.refuse_signed(message, PASSED_ON)
        elif handler is None:
            page.refuse_signed(message, "message-kind")
        elif messages.take(tx, peer.origin, message.thread, message.kind, message.number):
            found[handler].append(message)
        elif reason := messages.refused(tx, peer.origin, message.thread, message.kind, message.number):
            page.reasons[message.id, message.number] = reason
    taking = PeerTaking(hub, tx, peer, open_context(hub, tx), refuse_message)
    finishing = [handler.take(taking, sent) for handler, sent in found.items()]

    def finish() -> None:
        for one in finishing:
            one()

    return sum(map(len, found.values())), finish


def _nothing() -> None:
    """Do nothing: no message was taken."""


def _newest(sent: Iterable[HubMessage]) -> list[HubMessage]:
    """Return the newest message of each id, in order."""
    latest: dict[str, HubMessage] = {}
    for message in sent:
        if message.id not in latest or latest[message.id].number < message.number:
            latest[message.id] = message
    return [latest[id_] for id_ in sorted(latest)]
