"""Messages to peers that wait for publication, and the order of those received.

A message states all that its writer knows about its own side of a matter, so the newest one counts, and only that one
is stored.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.peer_messages.tables import peer_messages, peer_messages_taken

_m, _t = peer_messages.c, peer_messages_taken.c
_AT_ONCE = 500


class WaitingMessage(NamedTuple):
    """A message to publish: its matter, its kind, and its content as JSON."""

    thread: str
    kind: str
    content: str
    noted: int


def put(tx: Tx, peer: str, thread: str, kind: str, content: Mapping[str, Any]) -> bool:
    """Store what this hub tells a peer about a matter; return False if that is what it told it last."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    mine = (_m.peer == peer, _m.thread == thread, _m.kind == kind)
    before = tx.execute(select(_m.content, _m.noted).where(*mine).with_for_update()).first()
    if before is None:
        row = {"peer": peer, "thread": thread, "kind": kind, "content": text, "noted": now(), "number": None}
        tx.execute(insert(peer_messages).values(**row))
    elif before.content != text:
        changed = {"content": text, "noted": max(now(), before.noted + 1), "number": None}
        tx.execute(update(peer_messages).where(*mine).values(**changed))
    return before is None or before.content != text


def lock(tx: Tx, peer: str, thread: str, kind: str) -> bool:
    """Return whether this hub told a peer, or is about to tell it, something of that kind about a matter.

    If so, no other transaction can change it until this one ends.
    """
    mine = (_m.peer == peer, _m.thread == thread, _m.kind == kind)
    return tx.execute(select(_m.noted).where(*mine).with_for_update()).first() is not None


def waiting(tx: Tx, peer: str, most: int) -> list[WaitingMessage]:
    """Return the messages to a peer that wait, the oldest first."""
    asked = (
        select(_m.thread, _m.kind, _m.content, _m.noted)
        .where(_m.peer == peer, _m.number.is_(None))
        .order_by(_m.noted, _m.thread, _m.kind)
        .limit(most)
    )
    return [WaitingMessage(*row) for row in tx.execute(asked)]


def is_waiting(tx: Tx, peers: Collection[str]) -> bool:
    """Return whether a message to one of these peers waits."""
    mine = (_m.peer.in_(sorted(peers)), _m.number.is_(None))
    return bool(peers) and tx.execute(select(_m.thread).where(*mine).limit(1)).first() is not None


def published(tx: Tx, peer: str, message: WaitingMessage, number: int) -> None:
    """Note the number of a published message, unless there is a newer one since."""
    mine = (_m.peer == peer, _m.thread == message.thread, _m.kind == message.kind, _m.noted == message.noted)
    tx.execute(update(peer_messages).where(*mine).values(number=number))


def take(tx: Tx, peer: str, thread: str, kind: str, number: int) -> bool:
    """Note the number of a received message; return False if one with this number, or a later one, was taken."""
    mine = (_t.peer == peer, _t.thread == thread, _t.kind == kind)
    before = tx.execute(select(_t.number).where(*mine).with_for_update()).scalar()
    if before is None:
        tx.execute(insert(peer_messages_taken).values(peer=peer, thread=thread, kind=kind, number=number))
    elif before < number:
        tx.execute(update(peer_messages_taken).where(*mine).values(number=number, refused=None))
    return before is None or before < number


def note_refused(tx: Tx, peer: str, thread: str, kind: str, reason: str) -> None:
    """Note that this hub refused the newest message of a matter, which it received."""
    mine = (_t.peer == peer, _t.thread == thread, _t.kind == kind)
    tx.execute(update(peer_messages_taken).where(*mine).values(refused=reason))


def refused(tx: Tx, peer: str, thread: str, kind: str, number: int) -> str | None:
    """Return why this hub refused the message with that number; None if it did not, or received a newer one."""
    mine = (_t.peer == peer, _t.thread == thread, _t.kind == kind, _t.number == number)
    found: str | None = tx.execute(select(_t.refused).where(*mine)).scalar()
    return found


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred messages of matters that nobody wrote about since; return their number."""
    removed = 0
    for table, moment in ((peer_messages, _m.noted), (peer_messages_taken, _t.number)):
        old = tx.execute(select(table.c.peer, table.c.thread, table.c.kind).where(moment < before).limit(_AT_ONCE))
        for peer, thread, kind in old.all():
            mine = (table.c.peer == peer, table.c.thread == thread, table.c.kind == kind)
            removed += tx.execute(delete(table).where(*mine)).rowcount
    return removed
