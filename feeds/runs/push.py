"""Runs a push: delivers each page of a collection, then records it in one transaction with the position after it.

Revoked objects and all others are two sequences with a position each, so that neither waits for the other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from feeds.connector import Answer, Misconfigured, Outgoing, Push, PushSettings
from feeds.readers.stix import report_of
from feeds.runs.run import FailedItem, RunContext, SharedPage, bisect, log_dead_letter
from mappers import extension, kinds
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.vocabulary import Action
from server.features.requests import serving
from server.release.fuse.grade import FROM
from server.store import Tx, collections, deliveries, feed_state
from server.store.collections import Collection, UnknownCollection
from server.store.item import Item

# The answer of a peer that accepted an object.
_SUCCESS = "success"


class Position(NamedTuple):
    """A partner's position in a collection: ``after`` in active, ``revoked`` in revoked objects."""

    collection: Collection
    after: int
    revoked: int


def push(work: RunContext, feed: Push[PushSettings]) -> None:
    """Deliver the objects added to a collection since the checkpoint."""
    partner = work.partner(feed.settings.partner, "partner")
    try:
        at = position(work, partner, feed.settings)
        outgoing = Outgoing(work.store, at.collection, work.run.feed, partner.name, peers=work.hub.peers)
        feed.begin(outgoing)
        if work.dry_run:
            feed.check()
        more = True
        while more and not work.stopped():
            before = at
            page, at, more = _due(work, feed.settings, at)
            if at == before:
                break
            kept = {"collection": at.collection.id, "after": at.after, "revoked": at.revoked}
            deliver(work, feed, outgoing, partner, page.items, kept)
        if work.lease is not None and not work.stopped():
            work.lease.check()
            feed.finish()
    finally:
        work.run.reasons += Counter()
        feed.close()


def _due(work: RunContext, settings: PushSettings, at: Position) -> tuple[SharedPage, Position, bool]:
    """Return the next page, the position after it, and whether there may be more.

    Revocations go first, even if the rest is far behind: a partner that acts on a revoked indicator does harm.
    """
    page = work.pages.get(work.store, at.collection, at.revoked, settings.batch, revoked=True)
    at = at._replace(revoked=page.last)
    if page.items:
        return page, at, True
    page = work.pages.get(work.store, at.collection, at.after, settings.batch, revoked=False)
    return page, at._replace(after=page.last), page.more


def position(work: RunContext, partner: Partner, settings: PushSettings) -> Position:
    """Return the collection that ``partner`` may read, and its position there."""
    with work.store.read() as tx:
        collection = readable(tx, partner, settings.collection)
        checkpoint = feed_state.load_checkpoint(tx, work.run.feed) or {}
    if checkpoint.get("collection") != collection.id:
        # Readers granted access later do not see earlier delistings.
        return Position(collection, -1, collection.granted or -1)
    after = checkpoint.get("after", -1)
    return Position(collection, after, checkpoint.get("revoked", after))


def deliver(
    work: RunContext,
    feed: Push[PushSettings],
    outgoing: Outgoing,
    partner: Partner,
    items: Sequence[Item],
    checkpoint: dict[str, Any] | None = None,
) -> None:
    """Deliver those of ``items`` that the settings select, and record the answers, with the checkpoint after them.

    An item that the connector fails on becomes a dead letter, and the others are delivered.
    """
    answers, bad = _push(work, feed, select_items(outgoing, feed.settings, items))
    with work.transaction() as tx:
        record(tx, work.run.feed, partner, answers, proves_receipt=feed.proves_receipt)
        work.keep_dead_letters(tx, bad)
        if checkpoint is not None:
            # A connector may keep words of its own there.
            before = feed_state.load_checkpoint(tx, work.run.feed) or {}
            feed_state.save_checkpoint(tx, work.run.feed, {**before, **checkpoint})
    work.run.read += len(items)
    work.run.accepted += sum(answer.taken for answer in answers)
    work.run.reasons["refused-by-peer"] += sum(not answer.taken for answer in answers)
    work.run.reasons["dead-letter"] += len(bad)
    work.progress(work.run)


def _push(work: RunContext, feed: Push[PushSettings], items: Sequence[Item]) -> tuple[list[Answer], list[FailedItem]]:
    if work.lease is None:
        return [Answer(item, True, "dry run") for item in items], []
    work.lease.check()
    # After a crash between delivery and record, a correction still finds what the peer may have.
    noted = feed.noted(items)
    if noted is None:
        noted = items if feed.settings.selects else ()
    if noted:
        with work.transaction() as tx:
            deliveries.note(tx, work.run.feed, feed.settings.partner, noted)
    answered, failed = bisect(items, feed.push, given_up=work.given_up)
    bad = [FailedItem(items[place].id, b"", error) for place, error in failed]
    for item in bad:
        log_dead_letter(work.run.feed, item.subject, item.error)
    return [answer for answers in answered for answer in answers], bad


def record(tx: Tx, feed: str, partner: Partner, answers: Sequence[Answer], *, proves_receipt: bool = False) -> None:
    """Record the objects sent to ``partner`` and its answers; an accepted request may be served by that."""
    ordered = sorted(answers, key=_text_of)
    for text, alike in groupby(ordered, key=_text_of):
        given = list(alike)
        remote = {answer.item.id: answer.remote for answer in given if answer.remote}
        deliveries.record(tx, feed, partner.name, [answer.item for answer in given], text, remote)
    if proves_receipt:
        serving.pushed(tx, partner.name, [answer.item.id for answer in answers if answer.text == _SUCCESS])


def _text_of(answer: Answer) -> str:
    return answer.text


def readable(tx: Tx, partner: Partner, alias: str) -> Collection:
    """Return a collection that ``partner`` may read; a push sends no other. Raises ``Misconfigured``."""
    try:
        collection = collections.get(tx, alias)
    except UnknownCollection as error:
        raise Misconfigured(f"collection: {error}") from error
    if collection.kind == "inbox":
        raise Misconfigured(f"collection: {alias} is an inbox, which no partner may read; set a released collection")
    right = collections.right(tx, partner.name, collection.id)
    if right is None or not right[1]:
        raise Misconfigured(f"collection: {partner.name} may not read {alias}; grant it first (scamfeed partner grant)")
    return right[0]


_RANK = {action: rank for rank, action in enumerate(Action)}


def grade(indicator: Mapping[str, Any]) -> Action:
    """Return the stated grade of an indicator, else the grade for its confidence, else the weakest."""
    word = extension.context_of(indicator).get("requested_action")
    if word in _RANK:
        return Action(word)
    sure = indicator.get("confidence")
    if not isinstance(sure, int | float) or isinstance(sure, bool):
        return Action.INVESTIGATE
    return next((action for action, least in FROM.items() if sure >= least), Action.INVESTIGATE)


def reaches(indicator: Mapping[str, Any], least: Action | None) -> bool:
    """Return whether an indicator's grade is at least ``least``; always true for None."""
    return least is None or _RANK[grade(indicator)] <= _RANK[least]


# Properties by which objects refer to an indicator.
_ABOUT = {"relationship": ("source_ref", "target_ref"), "sighting": ("sighting_of_ref",)}


def select_items(outgoing: Outgoing, settings: PushSettings, items: Sequence[Item]) -> Sequence[Item]:
    """Return the ``items`` to send to the partner, in order.

    An indicator is sent if it matches the settings. An indicator sent before is sent again in any case, because a
    partner that acts on one version must get the next. Relationships, sightings and other objects about indicators are
    sent with them. Observables are selected by kind.
    """
    if not settings.selects:
        return items
    parsed = {item.id: msgspec.json.decode(item.body) for item in items}
    about = {id_: _about(obj) for id_, obj in parsed.items()}
    going = _indicators_to_send(outgoing, settings, items, parsed, about)
    types = {type_ for name in settings.kinds for type_ in kinds.every()[name].types}
    observables = {type_ for mapper in kinds.every().values() for type_ in mapper.types}

    def goes(item: Item) -> bool:
        if item.type == "indicator":
            return item.id in going
        if item.type in observables:
            return not types or item.type in types
        return not about[item.id] or not going.isdisjoint(about[item.id])

    return [item for item in items if goes(item)]


def _indicators_to_send(
    outgoing: Outgoing,
    settings: PushSettings,
    items: Sequence[Item],
    parsed: dict[str, dict[str, Any]],
    about: dict[str, list[str]],
) -> set[str]:
    """Return the ids of indicators that match the settings, or were sent to the partner before."""
    indicators = [item.id for item in items if item.type == "indicator"]
    mentioned = [id_ for ids in about.values() for id_ in ids]
    with outgoing.store.read() as tx:
        sent = deliveries.known(tx, outgoing.feed, outgoing.partner, [*indicators, *mentioned])
    return sent | {id_ for id_ in indicators if matches(settings, parsed[id_])}


def matches(settings: PushSettings, indicator: dict[str, Any]) -> bool:
    """Return whether an indicator matches the settings; an indicator without the needed facts does not."""
    if not settings.selects:
        return True
    facts = _facts(indicator)
    return (
        (not settings.kinds or facts["kind"] in settings.kinds)
        and (not settings.actions or facts["action"] in settings.actions)
        and (not settings.countries or any(country in settings.countries for country in facts["countries"]))
        and reaches(indicator, settings.least)
    )


def _facts(indicator: dict[str, Any]) -> dict[str, Any]:
    """Return kind, action and countries, from our extension if present, else from the indicator's report."""
    ours = indicator.get("extensions", {}).get(extension.ID, {})
    if "kind" in ours:
        return {
            "kind": ours["kind"],
            "action": ours.get("requested_action"),
            "countries": ours.get("countries", ()),
        }
    try:
        report = report_of(indicator)
    except Rejected:
        return {"kind": None, "action": None, "countries": []}
    return {"kind": report.kind, "action": report.action, "countries": report.countries}


def _about(obj: dict[str, Any]) -> list[str]:
    named = [obj.get(name) for name in _ABOUT.get(obj["type"], ())] + list(obj.get("object_refs", ()))
    return [id_ for id_ in named if isinstance(id_, str) and id_.startswith("indicator--")]
