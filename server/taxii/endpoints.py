"""The object endpoints as one function of a request, whichever way it came in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from schemas.partner import Partner
from server.store import Store, Tx
from server.taxii import access, certificates, gate, objects
from server.taxii.answer import Answer
from server.taxii.compression import inflate, wanted
from server.taxii.errors import TaxiiError
from server.taxii.limits import MAX_CONTENT_LENGTH
from server.taxii.media import accepts, sends
from server.taxii.ready import Pages

# A partner's client says the same each time.
_accepts = lru_cache(maxsize=256)(accepts)

# Large bodies take their turn: each takes several times its size while it is read, and two at a time are no slower.
_LARGE_BYTES = 4 * 1024 * 1024
_LARGE = threading.Semaphore(2)
_PATIENCE_SECONDS = 20.0


class Asked(NamedTuple):
    """A request to an object endpoint: which one, of which collection and object, and the WSGI environment it is in."""

    endpoint: str
    collection: str
    object_id: str
    environ: dict[str, Any]

    @property
    def method(self) -> str:
        """Say what is to be done."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Give the parameters of the URL, in their order."""
        query = self.environ.get("QUERY_STRING")
        return parse_qsl(query.encode("latin-1").decode(errors="replace"), keep_blank_values=True) if query else []


def welcome(store: Store, environ: dict[str, Any]) -> Partner:
    """Say who asks. Raises ``TaxiiError`` 401, 429, or 406 for who does not take what is sent here."""
    certificate = certificates.presented(environ)
    partner = gate.admit(store, environ.get("HTTP_AUTHORIZATION"), certificate, certificates.remote(environ))
    if not _accepts(environ.get("HTTP_ACCEPT")):
        raise TaxiiError(406)
    return partner


def respond(store: Store, pages: Pages, partner: Partner, asked: Asked) -> Answer:
    """Answer a request to an object endpoint (TAXII 2.1 §5.3 to §5.8). Raises ``TaxiiError``."""
    if asked.method == "POST":
        return _add(store, partner, asked)
    if asked.method == "DELETE":
        return objects.delete(store, partner, asked.collection, asked.object_id, asked.pairs)
    with store.read() as tx:
        if asked.endpoint == "objects":
            encoding = wanted(asked.environ.get("HTTP_ACCEPT_ENCODING"))
            return objects.page(tx, partner, asked.collection, asked.pairs, pages, encoding)
        return _READING[asked.endpoint](tx, partner, asked)


def may_add(store: Store, partner: Partner, asked: Asked) -> None:
    """Refuse a body before a byte of it is read, where it cannot be taken. Raises ``TaxiiError``."""
    with store.read() as tx:
        access.writable(tx, partner, asked.collection)
    if not sends(asked.environ.get("CONTENT_TYPE")):
        raise TaxiiError(415)
    if _length(asked.environ) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)


def _manifest(tx: Tx, partner: Partner, asked: Asked) -> Answer:
    return objects.manifest(tx, partner, asked.collection, asked.pairs)


def _one(tx: Tx, partner: Partner, asked: Asked) -> Answer:
    return objects.one(tx, partner, asked.collection, asked.object_id, asked.pairs)


def _versions(tx: Tx, partner: Partner, asked: Asked) -> Answer:
    return objects.versions(tx, partner, asked.collection, asked.object_id, asked.pairs)


_READING: dict[str, Callable[[Tx, Partner, Asked], Answer]] = {
    "manifest": _manifest,
    "object": _one,
    "versions": _versions,
}


def _add(store: Store, partner: Partner, asked: Asked) -> Answer:
    may_add(store, partner, asked)
    came = _body(asked.environ)
    # What is packed may be large, however small it came.
    encoding = asked.environ.get("HTTP_CONTENT_ENCODING")
    with _turn() if encoding or len(came) > _LARGE_BYTES else nullcontext():
        return objects.add(store, partner, asked.collection, inflate(came, encoding))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for the turn of a large body. Raises ``TaxiiError`` 503 where that takes too long."""
    if not _LARGE.acquire(timeout=_PATIENCE_SECONDS):
        raise TaxiiError(503, headers=(("Retry-After", "5"),))
    try:
        yield
    finally:
        _LARGE.release()


def _body(environ: dict[str, Any]) -> bytes:
    """Read the body, chunked or not, as far as one may be long."""
    length = _length(environ)
    if length < 0 and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(length if length >= 0 else MAX_CONTENT_LENGTH + 1)
    if len(body) > MAX_CONTENT_LENGTH:
        raise TaxiiError(413)
    if len(body) < length:
        raise TaxiiError(400, "The body ended before its Content-Length.")
    return body


def _length(environ: dict[str, Any]) -> int:
    """Give the announced length of the body, -1 where none is announced."""
    text = environ.get("CONTENT_LENGTH") or ""
    return int(text) if text.isdecimal() else -1
