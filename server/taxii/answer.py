"""An answer, before any web framework has it."""

from typing import NamedTuple

from flask import Response

from server.taxii.media import TAXII


class Answer(NamedTuple):
    """Status, body and headers of a response; the body is TAXII's JSON."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """Give it to Flask."""
        return Response(self.body, self.status, list(self.headers), content_type=TAXII)
