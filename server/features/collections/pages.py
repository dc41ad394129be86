"""The pages of collections: the list, one with its members, and the form for a new one."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from server.features.collections import queries
from server.features.collections.operations import AddCollection
from server.operations.rights import VIEWERS
from server.store import collections, log
from server.store.collections import Collection, UnknownCollection
from server.store.database.engine import Tx
from server.store.sandbox import certificates
from server.web.shell.forms import submit
from server.web.shell.routes import FORM, RULES, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_MOST_MEMBERS = 500
_USES: Mapping[str, Translatable] = {
    "for": mark("values limited to one partner"),
    "accounts": mark("accounts that a partner keeps"),
    "requests": mark("requests and referrals to a partner"),
    "outcomes": mark("results of a partner’s reports"),
    "sandbox": mark("rehearsals of a partner"),
    "hub-reports": mark("reports for another hub"),
}
_NO_COLLECTION = mark("There is no such collection.")
_NOT_SO = mark(
    "The alias has lower-case letters, digits and single hyphens; the title has 1 to 200 letters, digits and "
    "spaces. Both must be unused."
)


def show_collections(visit: Visit) -> Response:
    """Show the collections that several partners may read, with the number of their readers."""
    return _page(visit)


def add(visit: Visit) -> Response:
    """Make a collection that the policy fills, or an exchange."""
    operation = AddCollection(
        alias=visit.field("alias", 100),
        title=visit.field("title", 300),
        is_exchange=visit.field("kind") == "exchange",
        needs_certificate=bool(visit.field("needs_certificate")),
    )
    try:
        made = submit(visit, operation, {ValueError: (422, _NOT_SO)})
    except PageRefused as refused:
        return _page(visit, refused.text, refused.status)
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
        private = queries.private_by_use(tx)
    given: dict[str, Any] = {name: visit.field(name, 300) for name in ("alias", "title", "kind", "needs_certificate")}
    return visit.page(
        "operator/collections.html",
        status,
        found=found,
        readers=numbers,
        objects=objects,
        problem=problem,
        given=given,
        private=private,
        uses=_USES,
    )


ROUTES = (
    Route("/console/collections", VIEWERS, show_collections, tab=Tab(RULES, 1, mark("Collections"))),
    Route("/console/collections/new", may_run(AddCollection), add, methods=FORM, is_fresh=True),
    Route("/console/collections/<id>", VIEWERS, show_collection),
)
