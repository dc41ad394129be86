"""Reminders that come back: the address gets no further mail until the person chooses again."""

from collections.abc import Collection

from server.features.reminders import choices, outbox
from server.store.database.engine import Tx
from server.store.operators import users


def note_returned(tx: Tx, ids: Collection[str], addresses: Collection[str]) -> bool:
    """Note that mails with these ids found no mailbox at these addresses; return whether one of them was a reminder.

    The addresses are in small letters. An address that the person has changed since is left alone.
    """
    found = outbox.sent(tx, ids)
    for mail in found:
        user, chosen = users.by_id(tx, mail.user), choices.find(tx, mail.user)
        for address in (chosen.address, user.email if user else None):
            if address is not None and address.lower() in addresses and chosen.refused != address:
                choices.store(tx, chosen._replace(refused=address))
                break
    return bool(found)
