"""The endpoints of Safe Browsing v5 under ``/v5/``, for anybody over ``public``, and for partners over their own."""

from collections.abc import Sequence
from typing import Any

import msgspec

from server.features.safe_browsing import queries
from server.features.safe_browsing.expressions import KINDS
from server.features.safe_browsing.messages import (
    PROTOBUF,
    FoundHashes,
    FullHash,
    FullHashDetail,
    HashLength,
    HashList,
    HashListMetadata,
    HashLists,
    RiceDeltaEncoded32Bit,
    ThreatType,
    protobuf,
)
from server.features.safe_browsing.parameters import FORMS, LEAST_UPDATE, MOST_NAMES, MOST_PREFIXES, GivenParameters
from server.features.safe_browsing.queries import ListedCollection
from server.features.safe_browsing.rice import CodedNumbers
from server.features.safe_browsing.service import SafeBrowsing
from server.features.safe_browsing.versions import PREFIX, HashVersions, ListUpdate
from server.operations.rights import ANYBODY
from server.release.route.policy import PUBLIC
from server.store import Tx
from server.store.database.times import now
from server.web.api.routes import NO_STORE, AddressLimit, ApiCall, ApiRoute, Parameter, ResponseBody
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import Schema
from server.web.taxii.response import JSON, TaxiiResponse

_SECOND = 1_000_000
_WAIT_SECONDS = 60
# Ends the name of a list of hashes of four bytes.
_LENGTH = "-4b"
# The name that clients of Google's API have built in for its list of scams.
_GOOGLES = "se-4b"
# Lists of Google's API that such clients ask for too. The hub lists no malware and no unwanted software.
_EMPTY = frozenset(("mw-4b", "pha-4b", "uws-4b", "uwsa-4b"))
_LISTED = (FullHashDetail(ThreatType.SOCIAL_ENGINEERING),)
_LIMIT = AddressLimit(lambda settings: settings.check_rate_limit)


def _search(call: ApiCall) -> TaxiiResponse:
    """Return the hashes that begin with the prefixes, among those of all collections that the reader may ask about."""
    asked = GivenParameters.of(call)
    prefixes, at, settings = asked.prefixes(), now(), call.site.settings
    ends: dict[bytes, int] = {}
    with call.store.read() as tx:
        for collection in _collections(tx, call):
            for found in call.of(SafeBrowsing).hashes_of(tx, collection).find(prefixes, at):
                ends[found.full] = max(found.ends, ends.get(found.full, 0))
    kept = [(end - at) // _SECOND for end in ends.values()]
    if ends:
        kept.append(settings.lookup_hit_seconds)
    if len({full[:PREFIX] for full in ends}) < len(prefixes):
        # The answer is also about prefixes without a hash.
        kept.append(settings.lookup_miss_seconds)
    seconds = min(kept)
    answer = FoundHashes(tuple(FullHash(full, _LISTED) for full in ends), f"{seconds}s")
    return _response(call, asked, answer, len(prefixes), len(ends))


def _get(call: ApiCall) -> TaxiiResponse:
    asked = GivenParameters.of(call)
    name = call.arguments.get("name") or asked.name()
    [found] = _lists(call, asked, [name])
    return _response(call, asked, found)


def _batch(call: ApiCall) -> TaxiiResponse:
    asked = GivenParameters.of(call)
    return _response(call, asked, HashLists(_lists(call, asked, asked.names())))


def _names(call: ApiCall) -> TaxiiResponse:
    asked = GivenParameters.of(call)
    with call.store.read() as tx:
        aliases = {collection.alias + _LENGTH: collection.alias for collection in _collections(tx, call)}
    page, following = asked.page(sorted(aliases))
    lists = tuple(
        HashList(
            name,
            metadata=HashListMetadata(
                (ThreatType.SOCIAL_ENGINEERING,),
                f"Domains and URLs of scams to block, of the collection {aliases[name]}.",
                HashLength.FOUR_BYTES,
            ),
        )
        for name in page
    )
    return _response(call, asked, HashLists(lists, following))


def _collections(tx: Tx, call: ApiCall) -> list[ListedCollection]:
    """Return the collections of domains and URLs that the reader may ask about."""
    if call.requester is None:
        return queries.public(tx, PUBLIC)
    hub = call.site.hub
    rules = hub.rules.policy(hub.facts.at(tx)).rules
    suited = {rule.collection for rule in rules if not rule.kinds or not KINDS.isdisjoint(rule.kinds)}
    found = queries.readable(tx, call.requester.name)
    return [collection for collection in found if collection.is_own or collection.alias in suited]


def _lists(call: ApiCall, asked: GivenParameters, names: Sequence[str]) -> tuple[HashList, ...]:
    """Return the lists of these names, each as an update from the client's version. Raises ``TaxiiError``."""
    versions, limits = asked.versions(), asked.limits()
    with call.store.read() as tx:
        readable = {collection.alias + _LENGTH: collection for collection in _collections(tx, call)}
        if (scams := readable.get(PUBLIC + _LENGTH)) is not None:
            readable[_GOOGLES] = scams
        # An unknown list and a hidden one get the same answer.
        if not all(name in readable or name in _EMPTY for name in names):
            raise TaxiiError("not-found")
        asked.refuse_repeated(names, lambda name: readable[name].log if name in readable else name)
        found = [
            call.of(SafeBrowsing).hashes_of(tx, readable[name]).versions if name in readable else HashVersions(name)
            for name in names
        ]
    return tuple(
        _list(name, listed.update(asked.version_of(listed, versions), limits))
        for name, listed in zip(names, found, strict=True)
    )


def _list(name: str, update: ListUpdate) -> HashList:
    return HashList(
        name,
        version=update.version,
        partial_update=update.partial,
        additions_four_bytes=_coded(update.additions),
        compressed_removals=_coded(update.removals),
        # Without it the client asks at once for the rest.
        minimum_wait_duration="" if update.more else f"{_WAIT_SECONDS}s",
        sha256_checksum=update.checksum or b"",
    )


def _coded(numbers: CodedNumbers | None) -> RiceDeltaEncoded32Bit | None:
    return None if numbers is None else RiceDeltaEncoded32Bit(*numbers)


def _response(call: ApiCall, asked: GivenParameters, answer: Any, asked_of: int = 0, found: int = 0) -> TaxiiResponse:
    """Return a message in the form that the client asks for: protobuf unless it asks for JSON, as Google's API."""
    form = asked.form()
    is_json = form == "json" or (not form and JSON in call.environ.get("HTTP_ACCEPT", ""))
    body, media_type = (msgspec.json.encode(answer), JSON) if is_json else (protobuf(answer), PROTOBUF)
    return TaxiiResponse(200, body, (NO_STORE,), media_type, objects_in=asked_of, objects_out=found)


def _described(shape: type[msgspec.Struct]) -> ResponseBody:
    described = "with alt=json; else the protobuf message of the same fields"
    return ResponseBody(shape, description=described, also={PROTOBUF: _BINARY})


_BINARY: Schema = {"type": "string", "format": "binary"}
_OCTETS: Schema = {"type": "string", "format": "byte"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FORM = Parameter("alt", "the form of the answer", {"enum": list(FORMS), "default": "proto"})
_NAME = Parameter("name", "the list: the alias of a collection and -4b, as public-4b", is_required=True)
_HELD: tuple[Parameter, ...] = (
    Parameter("version", "the version that the client has, in base64; none: the whole list", _OCTETS),
    Parameter("sizeConstraints.maxUpdateEntries", f"the most changes in the answer: 0, or {LEAST_UPDATE:,} on", _COUNT),
    Parameter("sizeConstraints.maxDatabaseEntries", "the most entries that the client keeps", _COUNT),
    _FORM,
)
_SEVERAL: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_NAMES}
_PREFIXES: Schema = {"type": "array", "items": _OCTETS, "maxItems": MOST_PREFIXES}
ROUTES = (
    ApiRoute(
        "hashes_search",
        "GET",
        "/v5/hashes:search",
        _search,
        "Search the hashes of listed domains and URLs by their first four bytes",
        _described(FoundHashes),
        ANYBODY,
        partners_too=True,
        parameters=(Parameter("hashPrefixes", "four bytes in base64 each", _PREFIXES, is_required=True), _FORM),
        refuses=(422,),
        limit=_LIMIT,
        service=SafeBrowsing,
    ),
    *(
        ApiRoute(
            id_,
            "GET",
            path,
            _get,
            purpose,
            _described(HashList),
            ANYBODY,
            partners_too=True,
            parameters=(_NAME, *_HELD),
            refuses=(404, 422),
            limit=_LIMIT,
            service=SafeBrowsing,
        )
        for id_, path, purpose in (
            ("hash_list", "/v5/hashList/{name}", "Get a list of hash prefixes, or its changes"),
            ("hash_list_get", "/v5/hashList:get", "Get a list of hash prefixes by a parameter"),
        )
    ),
    ApiRoute(
        "hash_lists",
        "GET",
        "/v5/hashLists",
        _names,
        "List the names of the lists of hash prefixes",
        _described(HashLists),
        ANYBODY,
        partners_too=True,
        parameters=(
            Parameter("pageSize", "the most names; 0: all", _COUNT),
            Parameter("pageToken", "the nextPageToken of the page before"),
            _FORM,
        ),
        refuses=(422,),
        limit=_LIMIT,
        service=SafeBrowsing,
    ),
    ApiRoute(
        "hash_lists_batch_get",
        "GET",
        "/v5/hashLists:batchGet",
        _batch,
        "Get several lists of hash prefixes, or their changes",
        _described(HashLists),
        ANYBODY,
        partners_too=True,
        parameters=(Parameter("names", "the lists", _SEVERAL, is_required=True), *_HELD),
        refuses=(404, 422),
        limit=_LIMIT,
        service=SafeBrowsing,
    ),
)
