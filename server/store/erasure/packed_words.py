"""Dictionaries of the store's own that have words of an erased value: nothing is compressed with them any more.

A dictionary holds what many objects have in common, so that this is rare. Its bytes cannot change while any body needs
them: another one takes its place, all bodies are compressed anew, and then nothing is left of it.
"""

from collections.abc import Callable

from sqlalchemy import func, insert, select, update

from server.store.database.engine import Tx
from server.store.database.sql import database_time
from server.store.objects import bodies
from server.store.tables import dictionaries

# No dictionary that is trained has one of these numbers, and 123 marks a body that is as it is.
_NUMBERS = (119, 120, 121, 122, 124, 125, 126, 127)
_d = dictionaries.c


def holding(tx: Tx, is_in: Callable[[bytes], bool]) -> list[int]:
    """Return the numbers of the store's own dictionaries that have a word of the value."""
    return [number for number, text in tx.execute(select(_d.number, _d.bytes).order_by(_d.number)) if is_in(text)]


def put_aside(tx: Tx) -> None:
    """Let all bodies from now on be compressed with the dictionary that comes with the program.

    Raises ``ValueError`` where that was done too often.
    """
    taken = set(tx.scalars(select(_d.number)))
    number = next((number for number in _NUMBERS if number not in taken), None)
    if number is None:
        raise ValueError("no number for another dictionary is left")
    newest = tx.execute(select(func.coalesce(func.max(_d.made), 0))).scalar_one()
    made = max(database_time(tx), newest + 1)
    tx.execute(insert(dictionaries).values(number=number, made=made, bytes=bodies.built_in().as_bytes()))
    bodies.of(tx).learn(tx)


def empty(tx: Tx, number: int) -> None:
    """Put the program's dictionary in the place of one that no body needs any more."""
    tx.execute(update(dictionaries).where(_d.number == number).values(bytes=bodies.built_in().as_bytes()))
