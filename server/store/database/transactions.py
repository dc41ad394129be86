"""The interface of a transaction for the functions of the store, and the rows of its results."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect


class Rows(Protocol):
    """The result of a statement. A row is a tuple whose values are also attributes, named like the columns."""

    @property
    def rowcount(self) -> int:
        """Return how many rows the statement changed."""

    def __iter__(self) -> Iterator[Any]: ...

    def all(self) -> Sequence[Any]:
        """Return all rows."""

    def first(self) -> Any:
        """Return the first row, or None."""

    def one(self) -> Any:
        """Return the only row."""

    def scalar(self) -> Any:
        """Return the first value of the first row, or None."""

    def scalar_one(self) -> Any:
        """Return the first value of the only row."""

    def scalar_one_or_none(self) -> Any:
        """Return the first value of the only row, or None."""

    def scalars(self) -> "Values":
        """Return the first values of the rows."""


class Values(Protocol):
    """The first values of the rows of a result."""

    def __iter__(self) -> Iterator[Any]: ...

    def all(self) -> Sequence[Any]:
        """Return all values."""

    def first(self) -> Any:
        """Return the first value, or None."""


class Tx(Protocol):
    """A transaction: SQLAlchemy's connection, or a view on SQLite's own driver (``fast_reads``), which only reads.

    The functions of the store work in their caller's. Only the store calls methods on it.
    """

    @property
    def dialect(self) -> Dialect:
        """Return the dialect of the database."""

    @property
    def info(self) -> dict[Any, Any]:
        """Return what functions of the store keep for the duration of the transaction."""

    def execute(self, statement: Executable, parameters: Any = None, /) -> Rows:
        """Run a statement."""

    def scalars(self, statement: Executable, parameters: Any = None, /) -> Values:
        """Run a statement and return the first value of each row."""

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Rows:
        """Run SQL in the words of the driver."""

    def begin_nested(self) -> AbstractContextManager[Any]:
        """Open a part of a write transaction that can fail alone."""
