"""A limit on the time of a search that may find little in much."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import OperationalError

from server.store.database.engine import Tx
from server.store.objects.fast_reads import FastConnection, SearchTooLong

_CANCELLED = "57014"


@contextmanager
def limited(tx: Tx, seconds: float) -> Iterator[None]:
    """Let no query within take longer than ``seconds``. Raises ``SearchTooLong``; the view is of no use after that."""
    if isinstance(tx, FastConnection):
        with tx.limited(seconds):
            yield
    elif tx.dialect.name == "postgresql":
        tx.execute(_LIMIT, {"milliseconds": str(int(seconds * 1000))})
        try:
            yield
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == _CANCELLED:
                raise SearchTooLong from error
            raise
    else:
        yield


_LIMIT = select(func.set_config("statement_timeout", bindparam("milliseconds"), True))
