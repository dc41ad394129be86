"""An answer, before any web framework has it."""

from typing import NamedTuple

from flask import Response

from server.taxii.negotiation import TAXII


class Undecided(Exception):
    """Whether the body of a request is wanted takes longer to say than its head takes to read."""


class TaxiiResponse(NamedTuple):
    """Status, body and headers of a response; the body is TAXII's JSON.

    The rest is for the record: the id of the collection it is about, how many objects came in and went out, and up to
    which ``date_added`` (microseconds) the partner now has the collection.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    collection: str | None = None
    objects_in: int = 0
    objects_out: int = 0
    given: int | None = None

    def response(self) -> Response:
        """Give it to Flask."""
        return Response(self.body, self.status, list(self.headers), content_type=TAXII)
