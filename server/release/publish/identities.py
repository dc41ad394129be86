"""The registry in the feed: the hub, and the partners that agreed to be named, as STIX identities."""

from typing import Any

from mappers import common_objects, marking
from schemas.vocabulary import Tlp
from server.store import collections, focal_points, hub_identity, log, partners
from server.store.database.engine import Tx
from server.store.item import Item


def of_hub(tx: Tx) -> dict[str, Any]:
    """Return the hub's identity, with its focal points."""
    return common_objects.hub_identity(hub_identity.load(tx), _contacts(tx).get(focal_points.HUB, []))


def identities(tx: Tx) -> dict[str, dict[str, Any]]:
    """Return the identities of present and former partners by name; only the kind of partners that are not named."""
    speaker, contacts, moments = hub_identity.identity(tx), _contacts(tx), partners.moments(tx)
    return {
        partner.name: common_objects.partner_identity(
            partner, speaker, *moments[partner.name], contacts.get(partner.name, [])
        )
        for partner in partners.all_partners(tx)
    }


def names(tx: Tx) -> dict[str, str]:
    """Return, by identity, the names of the hub and of the partners that agreed to be named."""
    speaker = hub_identity.load(tx)
    named = {partner.identity: partner.name for partner in partners.all_partners(tx) if partner.named}
    return {**named, speaker.identity: speaker.name}


def publish(tx: Tx, name: str | None = None) -> None:
    """Publish the identity of a partner, or the hub's own, in all shared collections; repeating it changes nothing."""
    found = collections.all_collections(tx)
    shared = [collection for collection in found if collection.kind == "released"]
    published = of_hub(tx) if name is None else identities(tx)[name]
    around = [
        marking.definition(Tlp.CLEAR),
        common_objects.identity_object(common_objects.PROJECT),
        common_objects.extension_definition(),
        of_hub(tx),
    ]
    items = [Item.of(obj) for obj in (*around, published)]
    log.lock(tx, [*shared, *(collection for collection in found if collection.kind == "inbox")])
    for collection in shared:
        log.append(tx, collection, items)


def _contacts(tx: Tx) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for point in focal_points.every(tx):
        found.setdefault(point.partner, []).append((point.function.value, point.contact))
    return found
