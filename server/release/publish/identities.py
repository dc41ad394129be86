"""The registry in the feed: the hub, and the partners that let themselves be named, as STIX identities."""

from typing import Any

from mappers import common_objects, identity, marking
from schemas.vocabulary import Tlp
from server.store import collections, focal_points, hub_identity, log, partners
from server.store.engine import Tx
from server.store.item import Item


def of_hub(tx: Tx) -> dict[str, Any]:
    """Return the hub's identity, with its focal points."""
    return identity.of_hub(hub_identity.load(tx), _contacts(tx).get(focal_points.HUB, []))


def identities(tx: Tx) -> dict[str, dict[str, Any]]:
    """Return the identities of present and former partners by name; of one that is not to be named, only its kind."""
    speaker, contacts, moments = hub_identity.identity(tx), _contacts(tx), partners.moments(tx)
    return {
        each.name: identity.of_partner(each, speaker, *moments[each.name], contacts.get(each.name, []))
        for each in partners.all_partners(tx)
    }


def names(tx: Tx) -> dict[str, str]:
    """Return by identity the names of the hub and of the partners that let themselves be named."""
    speaker = hub_identity.load(tx)
    named = {partner.identity: partner.name for partner in partners.all_partners(tx) if partner.named}
    return {**named, speaker.identity: speaker.name}


def publish(tx: Tx, name: str | None = None) -> None:
    """Bring the identity of a partner, or the hub's own, to all shared rooms; nothing new is published twice."""
    shared = [each for each in collections.all_collections(tx) if each.kind == "released"]
    said = of_hub(tx) if name is None else identities(tx)[name]
    around = [
        marking.definition(Tlp.CLEAR),
        identity.to_stix(common_objects.PROJECT),
        common_objects.extension_definition(),
        of_hub(tx),
    ]
    items = [Item.of(each) for each in (*around, said)]
    log.lock(tx, shared)
    for collection in shared:
        log.append(tx, collection, items)


def _contacts(tx: Tx) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for each in focal_points.every(tx):
        found.setdefault(each.partner, []).append((each.function.value, each.contact))
    return found
