"""Objects, manifests and versions of a collection as responses (TAXII 2.1 §5.3 to §5.8)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import orjson
from werkzeug.http import parse_etags

from schemas.partner import Partner
from server.observe import record_write
from server.store import Store, Tx, hub_identity, log
from server.store.collections import Collection
from server.store.database import search_time
from server.store.database.times import stamp, stamps, stix_stamp, stix_stamps
from server.store.objects.fast_reads import SearchTooLong
from server.store.objects.query import EVERY, LAST, Query
from server.taxii import auth, envelope, filters
from server.taxii.cursor import USE, encode
from server.taxii.errors import TaxiiError
from server.taxii.negotiation import Encoding, compress
from server.taxii.page_cache import LogRange, PageCache, PageTag
from server.taxii.response import STIX, TaxiiResponse

# A million objects are gone through in much less, also on a busy machine.
_SEARCH_SECONDS = 10
# Of a sandbox, so that a client shows that it follows pages.
_SANDBOX_PAGE = 10
# Most polls ask for what comes after all that the collection has.
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
    """Return objects, as the bytes they are stored in; a large page is cached in ``pages``, compressed.

    ``had`` is the If-None-Match header of a client: 304 where it has the page as it is now.
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
    if rows is not None and pages.is_worth_keeping(response):
        tag = pages.tag(tx, found, query, encoding, rows, response.objects_out)
        if tag is not None:
            response = compress(response._replace(headers=(*response.headers, *tag.headers)), encoding)
            pages.keep(found, query, encoding, response)
            if had is not None and parse_etags(had).contains_weak(tag.tag):
                return tag.not_modified(found)
    return response


def current_tag(
    tx: Tx, partner: Partner, collection: str, pairs: Pairs, pages: PageCache, encoding: Encoding
) -> tuple[Collection, PageTag] | None:
    """Return the tag of a page as it is now, where this process knows it and the partner may read it.

    Raises ``TaxiiError`` where it may not.
    """
    found = auth.readable(tx, partner, collection)
    current = pages.find(tx, found, _read(tx, pairs, found, filters.OBJECTS), encoding)
    return None if current is None else (found, current.tag)


def one(tx: Tx, partner: Partner, collection: str, object_id: str, pairs: Pairs) -> TaxiiResponse:
    """Return one object; 404 when the collection has no version of it, an empty envelope when the filters leave none.

    A version that is asked for by its date and is not there is 404 too: it may have been deleted (TAXII 2.1 §5.7).
    """
    found = auth.readable(tx, partner, collection)
    query = _of(object_id, _read(tx, pairs, found, filters.OBJECT))
    response, _ = _envelope(tx, found, query)
    if not response.objects_out and (query.versions.dates or not log.has(tx, found, object_id, found.granted)):
        raise TaxiiError("not-found")
    return response


def manifest(tx: Tx, partner: Partner, collection: str, pairs: Pairs) -> TaxiiResponse:
    """Return the manifest of the objects that a page would have."""
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
    """Return the versions of one object; 404 when the collection has none."""
    found = auth.readable(tx, partner, collection)
    query = _of(object_id, _read(tx, pairs, found, filters.VERSIONS))
    page = log.versions(tx, found, object_id, query)
    if not page.versions and not log.has(tx, found, object_id, found.granted):
        raise TaxiiError("not-found")
    listed = list(dict.fromkeys(_version(*pair) for pair in page.versions))
    return _listing(tx, "versions", listed, found, query, page)


def delete(
    store: Store, partner: Partner, collection: str, object_id: str, pairs: Pairs, *, remote: str = ""
) -> TaxiiResponse:
    """Delete an object, or those of its versions that the filters name, from an exchange.

    ``remote`` is the address that the request comes from.
    """
    with store.begin() as tx:
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
        deleted = log.delete(tx, found, replace(query, spec_versions=query.spec_versions or ALL_SPECS))
        if deleted == 0:
            raise TaxiiError("not-found")
        record_write(
            tx,
            partner=partner.name,
            remote=remote,
            method="DELETE",
            route="object",
            collection=found.id,
            status=200,
            objects=deleted,
            reference=None,
        )
    return TaxiiResponse(200, collection=found.id)


@contextmanager
def _bounded(tx: Tx, query: Query) -> Iterator[None]:
    """Refuse a query whose filters find so little that it would go through a whole large collection.

    Raises ``TaxiiError`` 400: a page that says there is more has to have something, and the page after it, too.
    """
    if query.ids or not (query.types or query.spec_versions or query.versions not in (LAST, EVERY)):
        yield
        return
    try:
        with search_time.limited(tx, _SEARCH_SECONDS):
            yield
    except SearchTooLong as error:
        raise TaxiiError("search-too-long", seconds=_SEARCH_SECONDS) from error


def _envelope(tx: Tx, collection: Collection, query: Query) -> tuple[TaxiiResponse, LogRange | None]:
    """Return a page, and the rows of the log that it has, None for none."""
    page = _NOTHING if query.after >= collection.last_added else log.page(tx, collection, query)
    token = None if page.next is None else encode(hub_identity.secret(tx, USE), collection, query, page.next)
    response = TaxiiResponse(
        200,
        envelope.join(page.bodies, token),
        _dates(page.first, page.last),
        collection=collection.id,
        objects_out=len(page.bodies),
        # Objects named by id are no reading position; whoever comes to the end has read all there is.
        read_to=None if query.ids else collection.last_added if page.next is None else page.last,
        sandbox_after=query.after if collection.is_sandbox and not query.ids else None,
    )
    if page.first is None:
        return response, None
    # From the position on: a row before the first may become the latest of its object again, and come first.
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
    """Return the query that the parameters of a URL make. Raises ``TaxiiError`` 400."""
    query = filters.read(pairs, collection, allowed, secret=partial(hub_identity.secret, tx, USE))
    if collection.is_sandbox:
        query = replace(query, limit=min(query.limit, _SANDBOX_PAGE))
    if query.after >= collection.granted:
        return query
    # Who was let in later learns of nothing that was withdrawn before. All who were let in between the same two
    # revocations read the same pages.
    return replace(query, granted=log.last_withdrawn(tx, collection, collection.granted))
