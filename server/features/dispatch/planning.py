"""Plan reports: select the listings that may be disclosed to addressees outside the hub, and the facts for mails."""

import json
from typing import Any, NamedTuple

import msgspec

from mappers import extension, marking
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Action, ScamType, Tlp
from server.features.dispatch import records
from server.features.dispatch.corrections import correct
from server.features.dispatch.records import ROLES, Dispatch
from server.features.registries import changes
from server.features.registries.names import host_of
from server.release.query.lookup import is_active
from server.store import collections, listings, log
from server.store.database.engine import Tx
from server.store.database.times import micros, moment

READER = "dispatch"
_AT_ONCE = 200
_MOST_HASHES = 20
_TYPES = frozenset(map(str, ScamType))


class ListedFacts(NamedTuple):
    """A listing that may be disclosed: its id, its version (microseconds), and the facts for a mail."""

    listing: str
    version: int
    facts: dict[str, Any]


def plan(tx: Tx, alias: str, at: int, *, resolves: bool = True) -> int:
    """Store the reports of listings that changed, and follow up those that ended; return the number of new reports.

    Without a resolver (``resolves``) the network of a name cannot be found, so that only its registrar gets a report.
    """
    seen = changes.noted(tx, READER, _AT_ONCE)
    made = 0
    for subject in seen:
        known = records.of_subjects(tx, [subject])
        for listing in sorted({row.listing for row in known if row.state not in ("ended", "corrected")}):
            if is_revoked(tx, listing):
                correct(tx, listing, at)
        made += _add(tx, subject, alias, at, resolves)
    changes.done(tx, READER, seen)
    return made


def _add(tx: Tx, subject: str, alias: str, at: int, resolves: bool) -> int:
    found, host = find_facts(tx, subject, alias, at), host_of(subject)
    if found is None or host is None:
        return 0
    made = 0
    for role in ROLES:
        if not (host.registered if role == "registrar" else resolves or host.is_address):
            continue
        id_ = records.derived(tx, "row", found.listing, str(found.version), role)
        facts = json.dumps(found.facts, sort_keys=True)
        row = Dispatch(
            id_, subject, found.listing, found.version, role, facts, None, None, None, None, "lookup", at, at, 0
        )
        made += records.add(tx, row)
    return made


def find_facts(tx: Tx, subject: str, alias: str, at: int) -> ListedFacts | None:
    """Return the listing of a value that may be disclosed now, None if there is none.

    It is in the collection ``alias``, active, of grade ``block``, and marked TLP:CLEAR. Only known fields of this
    listing are returned, and no text that a partner wrote.
    """
    collection = next((found for found in collections.all_collections(tx) if found.alias == alias), None)
    ids = listings.find(tx, [subject]).get(subject, {}).get("", [])
    if collection is None or not ids:
        return None
    item = log.latest(tx, collection, ids[-1:]).get(ids[-1])
    if item is None or item.revoked:
        return None
    obj = msgspec.json.decode(item.body)
    context = extension.context_of(obj)
    try:
        is_listed = is_active(obj, moment(at))
    except Rejected:
        return None
    if not is_listed or context.get("grade") != Action.BLOCK or marking.tlp_of(obj) is not Tlp.CLEAR:
        return None
    type_ = str(context.get("scam_type"))
    facts = {
        "kind": subject.partition(":")[0],
        "type": type_ if type_ in _TYPES else str(ScamType.OTHER),
        "confidence": int(obj.get("confidence", 0)),
        "since": micros(timestamp.parse(obj["created"])),
        "evidence": [part["sha256"] for part in context.get("evidence", ())][:_MOST_HASHES],
    }
    return ListedFacts(ids[-1], micros(timestamp.parse(obj["modified"])), facts)


def is_revoked(tx: Tx, listing: str) -> bool:
    """Return whether a listing was delisted in every collection that had it."""
    found = [item for items in log.latest_everywhere(tx, [listing]).values() for item in items.values()]
    return bool(found) and all(item.revoked for item in found)
