"""A partner's contributions to its sandbox: outcomes of its listings are recorded, all others are tried and undone."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from mappers.record_reader import read_opinions
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Outcome
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.results import Published, Results, Unpublished
from server.store.database.engine import Tx, finish
from server.store.database.times import micros, now
from server.store.item import Item
from server.store.sandbox import runs
from server.store.sandbox.runs import UNKNOWN, ListingAnswer

# Limit for one part of a body: trying the release rules takes as long as applying them.
MOST_TRIED = 200
_NOTED = "sandbox: noted"
_TRIED = "sandbox: the hub's inbox would publish this; nothing was stored"
_ABOUT_LISTINGS = frozenset(("opinion", "sighting"))


class _Undone(Exception):
    """Rolls the transaction back."""


def try_out(hub: Hub, partner: Partner, items: Sequence[Item]) -> Results:
    """Return the response of the hub's inbox to ``items`` that are not about a listing of the sandbox.

    It is found in a transaction that is rolled back: nothing is stored, released or counted.
    """
    others = [item for item in items if item.type not in _ABOUT_LISTINGS]
    results = Results(failed=[_too_many(item) for item in others[MOST_TRIED:]])
    if not others:
        return results
    with suppress(_Undone), hub.store.begin() as tx:
        found = contribute(hub, tx, partner, others[:MOST_TRIED])
        finish(tx)
        raise _Undone
    results.accepted += [entry._replace(message=_TRIED) for entry in found.accepted]
    results.held += found.held
    results.kept += found.kept
    results.failed += found.failed
    return results


def note(tx: Tx, partner: Partner, items: Sequence[Item]) -> Results:
    """Record the outcomes of synthetic listings among ``items``, and return the result of each.

    Objects about other listings than those of the partner's own sandbox are kept, as by the inbox.
    """
    results, answers = Results(), list[ListingAnswer]()
    about_listings = [item for item in items if item.type in _ABOUT_LISTINGS]
    read = [(item, msgspec.json.decode(item.body)) for item in about_listings]
    listed = runs.listed_ids(tx, partner.name, {ref for _, obj in read for ref in _refs(obj)})
    for item, obj in read:
        refs = _refs(obj)
        if not refs or not listed.issuperset(refs):
            answers.append(ListingAnswer(UNKNOWN, item.type, now(), None))
            hidden = Reason.TARGET_NOT_VISIBLE
            results.kept.append(Unpublished(item.id, item.version, hidden.text(), hidden.code))
            continue
        try:
            answers += _answers(item, obj)
        except Rejected as refusal:
            results.failed.append(Unpublished(item.id, item.version, refusal.message, refusal.reason))
            continue
        results.accepted.append(Published(item.id, item.version, _NOTED))
    runs.note_answers(tx, partner.name, answers)
    return results


def _answers(item: Item, obj: dict[str, Any]) -> list[ListingAnswer]:
    """Return the outcomes that an object states, empty for a sighting or an opinion. Raises ``Rejected``."""
    if item.type != "opinion" or item.revoked:
        return []
    at = now()
    return [
        ListingAnswer(
            ref,
            statement.outcome.value,
            at,
            None if statement.effective_until is None else micros(statement.effective_until),
        )
        for statement in read_opinions(obj)
        if isinstance(statement, Outcome)
        for ref in [statement.of.ref, *(other.ref for other in statement.others)]
        if ref is not None
    ]


def _refs(obj: dict[str, Any]) -> list[str]:
    refs = obj.get("object_refs", obj.get("sighting_of_ref"))
    listed = refs if isinstance(refs, list) else [refs]
    return [ref for ref in listed if isinstance(ref, str)]


def _too_many(item: Item) -> Unpublished:
    reason = Reason.SANDBOX_FULL
    return Unpublished(item.id, item.version, reason.text(most=MOST_TRIED), reason.code)
