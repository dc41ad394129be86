"""The endpoints that partners ask all day, in front of the web framework and without it.

Everything they answer comes from the functions that the framework's views call too; nothing is decided here.
"""

import re
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any

from schemas.partner import Partner
from server import observe
from server.store import Store, StoreUnavailable
from server.store.fast_reads import FastStore, NotFast
from server.taxii import errors, proxies
from server.taxii.auth import again
from server.taxii.compression import pack, wanted
from server.taxii.endpoints import TaxiiRequest, may_add, respond, welcome
from server.taxii.errors import TaxiiError
from server.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH
from server.taxii.negotiation import TAXII
from server.taxii.page_cache import PageCache
from server.taxii.response import TaxiiResponse, Undecided
from server.taxii.response_cache import CachedResponse, ResponseCache, cache_key

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

# What has to be percent-encoded, or makes another path, is the framework's.
_PATH = re.compile(rf"/{API_ROOT}/collections/([!-.0-~]+)/(?:(manifest)/?|(objects)/?|objects/([!-.0-~]+)/?)")
_GLANCE_SECONDS = 0.003
_PARTNER = "scamfeed.partner"
# Of a body for which there is no use.
_USELESS_BODY = 64 * 1024


class TaxiiApplication:
    """A WSGI application: the object endpoints' GET and POST, and ``rest`` for everything else."""

    def __init__(self, store: Store, pages: PageCache, rest: Application) -> None:
        """Answer from ``store``."""
        self._pages = pages
        self.rest = rest
        self._store = FastStore(store)
        self._glance = FastStore(store, _GLANCE_SECONDS)
        self._echo = ResponseCache()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request, however long it takes."""
        asked = _read(environ)
        if asked is None:
            return self.rest(environ, start_response)
        answer = self._answer(self._store, asked, respond)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers(answer))
        return [answer.body]

    def quick(self, environ: Environ) -> TaxiiResponse | None:
        """Answer a request that is answered in no time; None for any other, which has to be called for."""
        asked = _read(environ)
        if asked is None or asked.method != "GET":
            return None
        try:
            said, version = cache_key(environ), self._glance.version()
            heard = self._echo.find(said, version)
            if heard is not None:
                return self._answer(self._glance, asked, respond, heard)
            answer = self._answer(self._glance, asked, respond)
        except NotFast:
            return None
        except StoreUnavailable:
            # The store's own way in waits for it, or says why not.
            return None
        if _PARTNER in environ:
            self._echo.keep(said, version, environ[_PARTNER], answer)
        return answer

    def early(self, environ: Environ, *, patient: bool = False) -> TaxiiResponse | None:
        """Refuse a request by its head alone, before its body is read; None where the body is wanted.

        Raises ``Undecided`` where it takes more than a glance to tell; ``patient`` asks however long it takes.
        """
        asked = _read(environ)
        if asked is None or asked.method != "POST":
            length = environ.get("CONTENT_LENGTH") or "0"
            return self.refuse(environ, 413) if int(length) > _USELESS_BODY else None
        try:
            return self._answer(self._store if patient else self._glance, asked, _allow)
        except NotFast as error:
            # Who asks is not known yet; that nobody may send so much is.
            if int(environ.get("CONTENT_LENGTH") or "0") > MAX_CONTENT_LENGTH:
                return self.refuse(environ, 413)
            raise Undecided from error
        except _Allowed:
            return None

    def owner(self, environ: Environ) -> str:
        """Name whom a request is counted for: the partner where it is known, else the place it comes from."""
        partner: Partner | None = environ.get(_PARTNER)
        return f"partner {partner.name}" if partner is not None else proxies.remote(environ)

    def longest(self, environ: Environ) -> int:
        """Say how long the body of a request may be."""
        return MAX_CONTENT_LENGTH if environ["REQUEST_METHOD"] == "POST" else _USELESS_BODY

    def refuse(self, environ: Environ, status: int) -> TaxiiResponse:
        """Give the error resource for a request that is none."""
        later = (("Retry-After", "1"),) if status == 503 else ()
        return errors.answer(
            TaxiiError(status, headers=later), where="wire", method=str(environ.get("REQUEST_METHOD", "-"))
        )

    def _answer(
        self,
        store: Store,
        asked: TaxiiRequest,
        respond: Callable[[Store, PageCache, Partner, TaxiiRequest], TaxiiResponse],
        heard: CachedResponse | None = None,
    ) -> TaxiiResponse:
        environ, began = asked.environ, time.perf_counter()
        partner: Partner | None = environ.get(_PARTNER)
        observe.asked_from(proxies.remote(environ))
        try:
            if heard is not None:
                partner = again(store, heard.partner)
                answer = heard.answer
            else:
                # A question has one view of the store, from who asks to what is there.
                with store.read() if asked.method == "GET" else nullcontext():
                    if partner is None:
                        # A request that is looked at twice is admitted, and counted, once.
                        partner = environ[_PARTNER] = welcome(store, environ)
                    answer = respond(store, self._pages, partner, asked)
        except (NotFast, _Allowed):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered, and logged with its cause
            answer = errors.of(error, where=asked.endpoint, method=asked.method)
        answer = pack(answer, wanted(environ.get("HTTP_ACCEPT_ENCODING")))
        observe.request(
            partner=partner.name if partner else None,
            method=asked.method,
            route=asked.endpoint,
            collection=answer.collection,
            status=answer.status,
            seconds=time.perf_counter() - began,
            objects_in=answer.objects_in,
            objects_out=answer.objects_out,
            given=answer.given,
        )
        return answer


class _Allowed(Exception):
    """A body may be sent."""


def headers(answer: TaxiiResponse) -> list[tuple[str, str]]:
    """Give all headers of an answer."""
    return [("Content-Type", TAXII), ("Content-Length", str(len(answer.body))), *answer.headers]


def _allow(store: Store, pages: PageCache, partner: Partner, asked: TaxiiRequest) -> TaxiiResponse:
    may_add(store, partner, asked)
    raise _Allowed


def _read(environ: Environ) -> TaxiiRequest | None:
    """Take a request apart, if it is one of ours."""
    match = _PATH.fullmatch(environ["PATH_INFO"])
    if match is None:
        return None
    collection, manifest, listing, object_id = match.groups()
    method = environ["REQUEST_METHOD"]
    if method != "GET" and not (method == "POST" and listing):
        return None
    return TaxiiRequest(manifest or listing or "object", collection, object_id or "", environ)
