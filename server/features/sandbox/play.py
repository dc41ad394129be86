"""Plays the script of the sandbox to a partner: publishes the changes that are due in its own collection."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from mappers import common_objects, consensus, extension, ids, marking
from schemas import timestamp
from schemas.fields import Hold
from schemas.partner import PartnerKind
from schemas.report import Consensus
from schemas.vocabulary import Action, ScamType, Tlp
from server.features.sandbox import judge, script
from server.features.sandbox.script import ListingChange, SandboxListing
from server.release.publish.collections import revoked
from server.release.publish.identities import of_hub
from server.store import collections, hub_identity, log, partners
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.item import Item
from server.store.objects.query import EVERY, Query
from server.store.sandbox import certificates, runs
from server.store.sandbox.certificates import Certificate
from server.store.sandbox.runs import PlayedChange, Rehearsal

# In the labels of every listing of the sandbox, and before its name.
LABEL = "sandbox"
NAME_PREFIX = "Sandbox, not real: "
_MINUTE = 60 * 1_000_000
_A_DAY = 24 * 60
_MILLISECOND = timedelta(milliseconds=1)
_BEFORE = timedelta(days=1)
_NEXT = {ListingChange.DISPUTED, ListingChange.REVOKED}
_CONFIDENCE = {
    Action.BLOCK: 95,
    Action.HOLD: 85,
    Action.STEP_UP: 75,
    Action.WARN: 60,
    Action.MONITOR: 40,
    Action.INVESTIGATE: 20,
}


def start(tx: Tx, partner: str) -> Rehearsal:
    """Begin a partner's rehearsal, replacing an earlier one; the clock starts with its client's first read.

    Its collection is created if needed, and emptied. Raises ``UnknownPartner``.
    """
    partners.get(tx, partner)
    collection = collections.private_collection(tx, partner, "sandbox")
    collections.grant(tx, partner, collection, read=True, write=True)
    log.lock(tx, [collection])
    log.delete(tx, collection, Query(versions=EVERY, spec_versions=("2.0", "2.1")))
    run = runs.start(tx, partner, log.last_added(tx, collection) or collection.last_added)
    around = [
        marking.definition(Tlp.AMBER),
        common_objects.identity_object(common_objects.PROJECT),
        common_objects.extension_definition(),
        of_hub(tx),
    ]
    log.append(tx, collection, [Item.of(obj) for obj in around])
    _play(tx, run, collection, now())
    return run


def stop(tx: Tx, partner: str) -> bool:
    """End a partner's rehearsal, and revoke its access to the collection; a certificate stays. False if there
    is none.
    """
    run, collection = runs.find(tx, partner), runs.collection_of(tx, partner)
    runs.remove(tx, partner)
    if collection is not None:
        log.delete(tx, collection, Query(versions=EVERY, spec_versions=("2.0", "2.1")))
        collections.revoke(tx, partner, collection)
    return run is not None


def advance(tx: Tx, run: Rehearsal, at: int | None = None) -> Certificate | None:
    """Publish the changes due by ``at`` (microseconds), and end the rehearsal if it is passed or out of time.

    Return the certificate that the partner gained.
    """
    at = now() if at is None else at
    collection = runs.collection_of(tx, run.partner)
    if collection is None or run.ended is not None:
        return None
    # The holder of this lock plays: others wait, and find it done.
    log.lock(tx, [collection])
    _play(tx, run, collection, at)
    results = judge.results(tx, run, at)
    if all(result.state == "passed" for result in results):
        runs.end(tx, run.partner)
        return certificates.issue(tx, run.partner, script.VERSION, run.agent)
    over = script.LAST_MINUTE + script.PATIENCE
    if run.began is not None and at > run.began + over * _MINUTE:
        runs.end(tx, run.partner)
    return None


def _play(tx: Tx, run: Rehearsal, collection: Collection, at: int) -> None:
    """Publish the changes that are due and not yet played, minute by minute."""
    minute = 0 if run.began is None else (at - run.began) // _MINUTE
    played = {(change.listing, change.change): change for change in runs.changes_of(tx, run.partner)}
    due = [entry for entry in script.CHANGES if entry[0] <= minute and (entry[1].name, entry[2]) not in played]
    for listing, change in ((listing, change) for _, listing, change in due):
        before = _before(played.values(), listing) if change in _NEXT else None
        obj = _object(tx, run, collection, listing, change, before)
        log.append(tx, collection, [Item.of(obj)])
        added = log.last_added(tx, collection) or 0
        until = micros(timestamp.parse(obj["valid_until"]))
        new = PlayedChange(listing.name, change, obj["id"], added, at, until)
        played[listing.name, change] = new
        runs.add_changes(tx, run.partner, [new])


def _before(played: Iterable[PlayedChange], listing: SandboxListing) -> PlayedChange:
    """Return the last change of a listing."""
    return max((change for change in played if change.listing == listing.name), key=lambda change: change.added)


def _object(
    tx: Tx,
    run: Rehearsal,
    collection: Collection,
    listing: SandboxListing,
    change: ListingChange,
    before: PlayedChange | None,
) -> dict[str, Any]:
    """Return the indicator that a change publishes; ``before`` is the change of the same indicator before it."""
    at = timestamp.now()
    if before is None:
        id_ = ids.of_hub(
            hub_identity.secret(tx, "ids"), "indicator", "sandbox", run.partner, run.number, listing.name, change
        )
        written = timestamp.text(at)
        return _indicator(tx, listing, id_, written, written, seq=int(change is ListingChange.RELISTED))
    obj: dict[str, Any] = msgspec.json.decode(log.latest(tx, collection, [before.object_id])[before.object_id].body)
    if change is ListingChange.REVOKED:
        return revoked(obj, at)
    modified = max(at, timestamp.parse(obj["modified"]) + _MILLISECOND)
    contested = listing._replace(grade=Action.INVESTIGATE, disputed=True)
    return _indicator(tx, contested, obj["id"], obj["created"], timestamp.text(modified))


def _indicator(
    tx: Tx, listing: SandboxListing, id_: str, created: str, modified: str, *, seq: int = 0
) -> dict[str, Any]:
    since = timestamp.parse(created) - _BEFORE
    until = timestamp.parse(created) + timedelta(minutes=listing.lasts or _A_DAY)
    held = None
    if listing.holds is not None:
        held = Hold(amount="125000", currency="THB", until=timestamp.parse(created) + timedelta(minutes=listing.holds))
    fused = Consensus(
        kind=listing.kind,
        value=listing.value,
        details=listing.details,
        first_seen=since,
        last_seen=since,
        valid_from=since,
        valid_until=until,
        confidence=_CONFIDENCE[listing.grade],
        grade=listing.grade,
        disputed=listing.disputed,
        reporters=3,
        reporter_kinds=(PartnerKind.BANK, PartnerKind.PLATFORM),
        scam_type=ScamType.OTHER,
        hold=held,
    )
    hub = hub_identity.identity(tx)
    obj = consensus.to_stix(fused, id_, hub, created=created, modified=modified, tlp=Tlp.AMBER, seq=seq)
    context = {**extension.context_of(obj), "sandbox": True}
    return obj | {
        "name": NAME_PREFIX + obj["name"],
        "labels": [LABEL, *obj["labels"]],
        "extensions": {**obj["extensions"], extension.ID: context},
    }


def due_runs(tx: Tx) -> list[Rehearsal]:
    """Return the active rehearsals whose clock has started."""
    return [run for run in runs.open_runs(tx) if run.began is not None]


def minutes(run: Rehearsal, at: int | None = None) -> int | None:
    """Return the minutes of the script that have passed, None before the client's first read."""
    return None if run.began is None else max(0, ((now() if at is None else at) - run.began) // _MINUTE)
