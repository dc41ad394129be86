"""The collections that a partner reads, writes and matches against."""

from collections.abc import Collection as Group, Sequence
from typing import NamedTuple

from schemas.partner import Partner
from server.store import collections, partners, retractions
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.matching import match_grants
from server.store.matching.match_grants import NotMatchable


class BadGrant(ValueError):
    """A right that cannot be granted; the message names the collection."""


class CollectionRights(NamedTuple):
    """Collections by alias or id: to read, to write, and to match values against."""

    read: Sequence[str] = ()
    write: Sequence[str] = ()
    match: Sequence[str] = ()


def give(tx: Tx, name: str, rights: CollectionRights) -> None:
    """Grant these rights to a partner from its next request on; existing rights stay.

    Raises ``BadGrant``, ``CertificateNeeded`` or ``UnknownCollection``.
    """
    _refuse_for_peer(partners.get(tx, name), rights)
    for alias in rights.read:
        collections.grant(tx, name, _readable(collections.get(tx, alias), alias), read=True)
    for alias in rights.write:
        collections.grant(tx, name, _writable(collections.get(tx, alias), alias), write=True)
    try:
        for alias in rights.match:
            match_grants.grant(tx, name, collections.get(tx, alias))
    except NotMatchable as error:
        raise BadGrant(f"match {error}") from None


def give_to_peer(tx: Tx, name: str) -> None:
    """Let a peer read the hub reports, also those for it alone, and write the inbox. End its other rights.

    Raises ``CollectionExists``.
    """
    kept = {collections.INBOX: False, collections.private_collection(tx, name, "hub-reports").alias: True}
    kept[collections.hub_reports(tx).alias] = True
    reads, writes = aliases_of(tx, name)
    no_write = [alias for alias in writes if alias != collections.INBOX]
    no_read = [alias for alias in reads if alias not in kept]
    revoke(tx, name, CollectionRights(no_read, no_write, match_grants.aliases(tx, name)))
    for alias, reads_it in kept.items():
        collections.grant(tx, name, collections.get(tx, alias), read=reads_it, write=not reads_it)


def take_from_peer(tx: Tx, name: str) -> None:
    """End the right of a former peer to read hub reports."""
    reads, _ = aliases_of(tx, name)
    direct = collections.find_private(tx, name, "hub-reports")
    ended = {collections.HUB_REPORTS[0], *([direct.alias] if direct else ())}
    revoke(tx, name, CollectionRights(read=sorted(ended.intersection(reads))))


def revoke(tx: Tx, name: str, rights: CollectionRights) -> dict[str, int]:
    """Revoke these rights of a partner; return, by collection, how many receipts for its reads ended with them.

    Raises ``UnknownCollection``.
    """
    no_read, no_write, no_match = map(frozenset, rights)
    ended: dict[str, int] = {}
    for alias in sorted(no_read | no_write | no_match):
        found = collections.get(tx, alias)
        if alias in no_match:
            match_grants.revoke(tx, name, found)
        collections.revoke(tx, name, found, read=alias in no_read, write=alias in no_write)
        if alias in no_read and (count := retractions.end_access(tx, name, found)):
            ended[found.alias] = count
    return ended


def rights_of(tx: Tx, name: str) -> CollectionRights:
    """Return the rights of a partner that an operator can change, by alias: of collections to write, only exchanges."""
    rights, matched = collections.rights(tx, name), match_grants.aliases(tx, name)
    found = [collection for collection in grantable(tx) if collection.kind != "inbox"]
    mine = [(collection, *rights.get(collection.id, (False, False))) for collection in found]
    return CollectionRights(
        [collection.alias for collection, can_read, _ in mine if can_read],
        [collection.alias for collection, _, can_write in mine if can_write and collection.kind == "exchange"],
        [collection.alias for collection in found if collection.alias in matched],
    )


def grantable(tx: Tx) -> list[Collection]:
    """Return the collections that an operator can grant to partners: all except private ones."""
    return [found for found in collections.all_collections(tx) if found.owner is None]


def aliases_of(tx: Tx, name: str) -> tuple[Group[str], Group[str]]:
    """Return the aliases of the collections that a partner reads, and of those that it writes, in order."""
    aliases = {found.id: found.alias for found in collections.all_collections(tx)}
    rights = collections.rights(tx, name)
    reads = sorted(aliases[id_] for id_, (can_read, _) in rights.items() if can_read)
    return reads, sorted(aliases[id_] for id_, (_, can_write) in rights.items() if can_write)


def _refuse_for_peer(partner: Partner, rights: CollectionRights) -> None:
    """Refuse rights that a peer cannot have. Raises ``BadGrant``."""
    others = {*rights.read, *rights.match} - {collections.HUB_REPORTS[0]} | {*rights.write} - {collections.INBOX}
    if partner.peer and others:
        raise BadGrant(f"{min(others)}: {partner.name} is a peer, which reads hub reports and no other collection")


def _writable(collection: Collection, alias: str) -> Collection:
    if collection.alias == collections.HUB_REPORTS[0]:
        raise BadGrant(f"write {alias}: only the hub writes hub reports; a peer posts its own to the inbox")
    return collection


def _readable(collection: Collection, alias: str) -> Collection:
    if collection.kind == "inbox":
        raise BadGrant(f"read {alias}: an inbox has no readers; the release rules decide who may see its content")
    if collection.owner is not None:
        raise BadGrant(f"read {alias}: this is one partner's own collection, which no other partner may read")
    return collection
