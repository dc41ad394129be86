"""Objects, manifests and versions of a collection as responses (TAXII 2.1 §5.3 to §5.8)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import orjson
from werkzeug.http import parse_etags

from schemas.partner import Partner
from server.release.hub import Hub
from server.store import Tx, hub_identity, log
from server.store.collections import Collection
from server.store.database.times import stamp, stamps, stix_stamp, stix_stamps
from server.store.objects.fast_reads import SearchTooLong, limited
from server.store.objects.query import EVERY, LAST, Query
from server.web.taxii import auth, envelope, filters
from server.web.taxii.errors import TaxiiError
from server.web.taxii.event_stream import PLACE
from server.web.taxii.filters import USE, encode
from server.web.taxii.negotiation import Encoding, compress
from server.web.taxii.page_cache import LogRange, PageCache, PageTag
from server.web.taxii.response import STIX, TaxiiResponse

# Deletes versions of an object from the exchange with this id. Raises ``TaxiiError``.
DeleteVersions = Callable[[str, Query], None]

# Scanning a million objects takes much less, even on a busy machine.
_SEARCH_SECONDS = 10
# The page size of a sandbox, so that a client demonstrates paging.
_SANDBOX_PAGE = 10
# Most polls ask for objects after the last one of the collection.
_NOTHING = log.BodyPage([], None, None, None)
ALL_SPECS = ("2.0", "2.1")

Pairs = Iterable[tuple[str, str]]


def page(
    tx: Tx,
    partner: Partner,
    collection: str,
    pairs: Pairs,
    pages: PageCache,
    encoding: Encoding = "identity",
    had: str | None = None,
) -> TaxiiResponse:
    """Return objects as stored bytes. Large pages are cached, compressed, in ``pages``.

    ``had`` is the If-None-Match header of a client: return 304 if the client has the current page.
    """
    found = auth.readable(tx, partner, collection)
    query = _read(tx, pairs, found, filters.OBJECTS)
    current = pages.find(tx, found, query, encoding)
    if current is not None:
        if had is not None and parse_etags(had).contains_weak(current.tag.tag):
            return current.tag.not_modified(found)
        if current.response is not None:
            return current.response
    with _bounded(tx, query):
        response, rows = _envelope(tx, found, query)
    pages.note_size(response.objects_out, len(response.body))
    if rows is not None and pages.is_worth_keeping(response):
        tag = pages.tag(tx, found, query, encoding, rows, response.objects_out)
        if tag is not None:
            response = compress(response._replace(headers=(*response.headers, *tag.headers)), encoding)
            pages.keep(found, query, encoding, response)
            if had is not None and parse_etags(had).contains_weak(tag.tag):
                return tag.not_modified(found)
    return response


def changes(tx: Tx, partner: Partner, collection: str, pairs: Pairs) -> TaxiiResponse:
    """Return the next objects of a collection for a stream that continues by itself, and the place that it reached.

    Without a place to begin at, it is the present end of the collection, and there are no objects.
    """
    found = auth.readable(tx, partner, collection)
    if not any(name == "added_after" for name, _ in pairs):
        return TaxiiResponse(200, headers=((PLACE, stamp(found.last_added)),), collection=found.id)
    query = _read(tx, pairs, found, filters.OBJECTS)
    with _bounded(tx, query):
        response, rows = _envelope(tx, found, query, has_token=False)
    reached = found.last_added if rows is None or rows.last is None else rows.last
    return response._replace(
        body=response.body if response.objects_out else b"",
        headers=((PLACE, stamp(max(reached, query.after))),),
    )


def current_tag(
    tx: Tx, partner: Partner, collection: str, pairs: Pairs, pages: PageCache, encoding: Encoding
) -> tuple[Collection, PageTag] | None:
    """Return the tag of the current page, if this process knows it and the partner may read it.

    Raises ``TaxiiError`` if it may not.
    """
    found = auth.readable(tx, partner, collection)
    current = pages.find(tx, found, _read(tx, pairs, found, filters.OBJECTS), encoding)
    return None if current is None else (found, current.tag)


def one(tx: Tx, partner: Partner, collection: str, object_id: str, pairs: Pairs) -> TaxiiResponse:
    """Return one object: 404 if the collection has no version of it, an empty envelope if the filters exclude all.

    A version requested by its date and missing is 404 too, because it may have been deleted (TAXII 2.1 §5.7).
    """
    found = auth.readable(tx, partner, collection)
    query = _of(object_id, _read(tx, pairs, found, filters.OBJECT))
    response, _ = _envelope(tx, found, query)
    if not response.objects_out and (query.versions.dates or not log.has(tx, found, object_id, found.granted)):
        raise TaxiiError("not-found")
    return response


def manifest(tx: Tx, partner: Partner, collection: str, pairs: Pairs) -> TaxiiResponse:
    """Return the manifest of the objects of the corresponding page."""
    found = auth.readable(tx, partner, collection)
    query = _read(tx, pairs, found, filters.OBJECTS)
    with _bounded(tx, query):
        page = log.manifest(tx, found, query)
    added = stamps(record.date_added for record in page.records)
    versions = stix_stamps(record.version for record in page.records)
    records = [
        {
            "id": record.id,
            "date_added": date,
            "version": date if record.version == record.date_added else version,
            "media_type": STIX + record.spec_version,
        }
        for record, date, version in zip(page.records, added, versions, strict=True)
    ]
    return _listing(tx, "objects", records, found, query, page)


def versions(tx: Tx, partner: Partner, collection: str, object_id: str, pairs: Pairs) -> TaxiiResponse:
    """Return the versions of one object, or 404 if the collection has none."""
    found = auth.readable(tx, partner, collection)
    query = _of(object_id, _read(tx, pairs, found, filters.VERSIONS))
    page = log.versions(tx, found, object_id, query)
    if not page.versions and not log.has(tx, found, object_id, found.granted):
        raise TaxiiError("not-found")
    listed = list(dict.fromkeys(_version(*pair) for pair in page.versions))
    return _listing(tx, "versions", listed, found, query, page)


def delete(
    hub: Hub, partner: Partner, collection: str, object_id: str, pairs: Pairs, delete_versions: DeleteVersions
) -> TaxiiResponse:
    """Delete an object, or its versions selected by the filters, from an exchange, by ``delete_versions``."""
    with hub.store.read() as tx:
        found = auth.writable(tx, partner, collection)
        auth.readable(tx, partner, collection)
        if found.kind != "exchange" or found.is_sandbox:
            raise TaxiiError("not-deletable")
        query = _of(
            object_id,
            filters.read(
                pairs, found, filters.OBJECT, EVERY, secret=partial(hub_identity.secret, tx, USE), every_match=True
            ),
        )
    versions = replace(query, spec_versions=query.spec_versions or ALL_SPECS)
    delete_versions(found.id, versions)
    return TaxiiResponse(200, collection=found.id)


@contextmanager
def _bounded(tx: Tx, query: Query) -> Iterator[None]:
    """Reject a query whose filters match so few objects that it would scan a whole large collection.

    Raises ``TaxiiError`` 400. A page announcing more must have objects, and so must the next page.
    """
    if query.ids or not (query.types or query.spec_versions or query.versions not in (LAST, EVERY)):
        yield
        return
    try:
        with limited(tx, _SEARCH_SECONDS):
            yield
    except SearchTooLong as error:
        raise TaxiiError("search-too-long", seconds=_SEARCH_SECONDS) from error


def _envelope(
    tx: Tx, collection: Collection, query: Query, *, has_token: bool = True
) -> tuple[TaxiiResponse, LogRange | None]:
    """Return a page, and its rows of the log, None if it is empty. With ``has_token`` it names the next page."""
    page = _NOTHING if query.after >= collection.last_added else log.page(tx, collection, query)
    token = None
    if has_token and page.next is not None:
        token = encode(hub_identity.secret(tx, USE), collection, query, page.next)
    response = TaxiiResponse(
        200,
        envelope.join(page.bodies, token),
        _dates(page.first, page.last),
        collection=collection.id,
        objects_out=len(page.bodies),
        # Reading objects by id does not change the read position. On the last page, everything has been read.
        read_to=None if query.ids else collection.last_added if page.next is None else page.last,
        sandbox_after=query.after if collection.is_sandbox and not query.ids else None,
        has_more=page.next is not None,
    )
    if page.first is None:
        return response, None
    # From the position on: a row before the first may become the latest of its object again, and move to the front.
    return response, LogRange(max(0, query.after + 1), None if page.next is None else page.last)


def _listing(
    tx: Tx,
    name: str,
    listed: list[str] | list[dict[str, str]],
    found: Collection,
    query: Query,
    page: log.Manifest | log.VersionPage,
) -> TaxiiResponse:
    resource: dict[str, object] = {}
    if listed:
        resource["more"] = page.next is not None
        if page.next is not None:
            resource["next"] = encode(hub_identity.secret(tx, USE), found, query, page.next)
        resource[name] = listed
    return TaxiiResponse(200, orjson.dumps(resource), _dates(page.first, page.last), collection=found.id)


def _dates(first: int | None, last: int | None) -> tuple[tuple[str, str], ...]:
    if first is None or last is None:
        return ()
    return ("X-TAXII-Date-Added-First", stamp(first)), ("X-TAXII-Date-Added-Last", stamp(last))


def _of(object_id: str, query: Query) -> Query:
    asked = Query(query.after, query.limit, (object_id,), (), query.spec_versions, query.versions)
    return replace(asked, granted=query.granted)


def _version(version: int, date_added: int) -> str:
    return stamp(version) if version == date_added else stix_stamp(version)


def _read(tx: Tx, pairs: Pairs, collection: Collection, allowed: frozenset[str]) -> Query:
    """Return the query for a URL's parameters. Raises ``TaxiiError`` 400."""
    query = filters.read(pairs, collection, allowed, secret=partial(hub_identity.secret, tx, USE))
    if collection.is_sandbox:
        query = replace(query, limit=min(query.limit, _SANDBOX_PAGE))
    if query.after >= collection.granted:
        return query
    # Readers granted access later do not see earlier withdrawals. All readers granted access between the same two
    # revocations read the same pages.
    return replace(query, granted=log.last_withdrawn(tx, collection, collection.granted))
