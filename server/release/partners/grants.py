"""The collections that a partner reads, writes and matches against."""

from collections.abc import Collection as Group, Iterable
from typing import NamedTuple

from server.release.partners.trail import record
from server.store import collections, partners, retractions
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.matching import match_grants
from server.store.matching.match_grants import NotMatchable


class BadGrant(ValueError):
    """A right that nobody can have; the message names the collection."""


class CollectionRights(NamedTuple):
    """Collections by alias or id: to read, to write, and to match values against."""

    read: Iterable[str] = ()
    write: Iterable[str] = ()
    match: Iterable[str] = ()


def grant(tx: Tx, name: str, rights: CollectionRights, by: str) -> None:
    """Let a partner do this from its next request on; rights that it has stay.

    Raises ``BadGrant``, ``CertificateNeeded``, ``UnknownCollection`` or ``UnknownPartner``.
    """
    give(tx, name, rights)
    record(tx, "GRANT", partners.get(tx, name), by)


def give(tx: Tx, name: str, rights: CollectionRights) -> None:
    """Grant rights as a part of something that is in the audit trail already. Raises what ``grant`` raises."""
    for alias in rights.read:
        collections.grant(tx, name, _readable(collections.get(tx, alias), alias), read=True)
    for alias in rights.write:
        collections.grant(tx, name, collections.get(tx, alias), write=True)
    try:
        for alias in rights.match:
            match_grants.grant(tx, name, collections.get(tx, alias))
    except NotMatchable as error:
        raise BadGrant(f"match {error}") from None


def revoke(tx: Tx, name: str, rights: CollectionRights, by: str) -> dict[str, int]:
    """End these rights of a partner; return by collection how many receipts for what it read there ended by that.

    Raises ``UnknownCollection`` or ``UnknownPartner``.
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
    record(tx, "REVOKE", partners.get(tx, name), by)
    return ended


def grantable(tx: Tx) -> list[Collection]:
    """Return the collections that an operator can let partners read or write: all but private ones."""
    return [found for found in collections.all_collections(tx) if found.owner is None]


def aliases_of(tx: Tx, name: str) -> tuple[Group[str], Group[str]]:
    """Return the aliases of the collections that a partner reads, and of those that it writes, in order."""
    aliases = {found.id: found.alias for found in collections.all_collections(tx)}
    rights = collections.rights(tx, name)
    reads = sorted(aliases[id_] for id_, (can_read, _) in rights.items() if can_read)
    return reads, sorted(aliases[id_] for id_, (_, can_write) in rights.items() if can_write)


def _readable(collection: Collection, alias: str) -> Collection:
    if collection.kind == "inbox":
        raise BadGrant(f"read {alias}: nobody reads an inbox; the release rules decide who may see its content")
    if collection.owner is not None:
        raise BadGrant(f"read {alias}: this is one partner's own collection, which nobody else reads")
    return collection
