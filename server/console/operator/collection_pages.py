"""The pages of collections: the list, one with its members, and the form for a new one."""

from typing import Any

from flask import Response

from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.partners import shared_collections
from server.store import collections, log
from server.store.collections import Collection, UnknownCollection
from server.store.database.engine import Tx
from server.store.sandbox import certificates

_MOST_MEMBERS = 500
_NO_COLLECTION = mark("There is no such collection.")
_NOT_SO = mark(
    "The alias has small letters, digits and single hyphens, and neither alias nor title is taken; the title has 1 to "
    "200 letters, digits and spaces."
)


def show_collections(visit: Visit) -> Response:
    """Show the collections that several partners may read, with the number of their readers."""
    return _page(visit)


def add(visit: Visit) -> Response:
    """Make a collection that the policy fills, or an exchange."""
    try:
        with visit.site.hub.store.begin() as tx:
            made = shared_collections.make(
                tx,
                visit.field("alias", 100),
                visit.field("title", 300),
                visit.known_user.name,
                is_exchange=visit.field("kind") == "exchange",
                needs_certificate=bool(visit.field("needs_certificate")),
            )
    except ValueError:
        return _page(visit, _NOT_SO, 422)
    return visit.go(f"/console/collections/{made[0].id}")


def show_collection(visit: Visit, id: str) -> Response:
    """Show one collection: who reads and writes it, and the rules that fill it."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = _shared(tx, id)
        policy = hub.rules.policy(hub.facts.at(tx))
        readers = sorted(collections.readers(tx, found))
        registry = hub.facts.at(tx).registry
        values: dict[str, Any] = {
            "readers": [registry.partners[name] for name in readers[:_MOST_MEMBERS] if name in registry.partners],
            "number": len(readers),
            "writers": sorted(collections.writers(tx).get(found.alias, ())) if found.kind == "exchange" else [],
            "objects": log.count(tx, found),
            "newest": log.last_added(tx, found),
            "needs_certificate": certificates.is_required(tx, found.number),
        }
    rules = [rule for rule in policy.rules if rule.collection == found.alias.removesuffix("-full")]
    return visit.page("operator/collection.html", found=found, rules=rules, **values)


def _shared(tx: Tx, id: str) -> Collection:
    try:
        found = collections.get(tx, id)
    except UnknownCollection:
        raise PageRefused(404, _NO_COLLECTION) from None
    if found.owner is not None:
        raise PageRefused(404, _NO_COLLECTION)
    return found


def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = [collection for collection in collections.all_collections(tx) if collection.owner is None]
        numbers = {collection.alias: len(collections.readers(tx, collection)) for collection in found}
        objects = {collection.alias: log.count(tx, collection) for collection in found}
    given: dict[str, Any] = {name: visit.field(name, 300) for name in ("alias", "title", "kind", "needs_certificate")}
    return visit.page(
        "operator/collections.html", status, found=found, readers=numbers, objects=objects, problem=problem, given=given
    )
