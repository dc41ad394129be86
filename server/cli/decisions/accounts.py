"""``scamfeed account``: what partners keep and others report, how long each waits for an answer, and the answer."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from schemas.qualification import QualificationCode
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import find_partner
from server.release.answering import GivenAnswer, answer_all
from server.release.fuse.statements import WITHHELD
from server.release.query import lookup
from server.store import Tx, audit, listings, reviews
from server.store.audit import AuditEvent
from server.store.database.times import now, stamp
from server.store.inbox import object_id
from server.store.keepers import kept_accounts
from server.store.keepers.kept_accounts import AnswerCounts, KeptAccount

app = typer.Typer(help="Accounts that partners keep and others report, and their answers.", no_args_is_help=True)

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_MICROSECOND = timedelta(microseconds=1)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="only what this partner keeps")] = None,
    every: Annotated[bool, typer.Option("--all", help="also what is answered, or listed no more")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the oldest first")] = 1_000,
    show_values: Annotated[bool, typer.Option("--show-values/--hide-values", help="show the values")] = True,
    json: Json = False,
) -> None:
    """List what waits for its keeper's answer, and for how long."""
    context: Context = ctx.obj
    target = context.settings.answer_target // _MICROSECOND
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner, gone=True).name if partner else None
        found = kept_accounts.find(tx, name, every=every, limit=limit)
        ids = listings.find(tx, {kept.subject for kept in found})
        rows = [_row(kept, ids.get(kept.subject, {}), target, values=show_values) for kept in found]
    if json:
        show_json(rows)
        return
    columns = ["keeper", "kind", *(["value"] if show_values else []), "since", "hours", "late", "code", "listing"]
    show_table("Kept by a partner, and reported by others", columns, [[row[name] for name in columns] for row in rows])


@app.command()
def answer(
    ctx: typer.Context,
    value_or_id: Annotated[str, typer.Argument(help="the value, in any spelling, or the id of its listing")],
    code: Annotated[QualificationCode, typer.Option(help="what the keeper found")],
    partner: Annotated[str | None, typer.Option(help="the keeper; needed where several keep it")] = None,
    note: Annotated[str | None, typer.Option(help="for the operator; it names no person")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Record the answer of a keeper, in its name: it holds from now on, in every collection."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.begin() as tx:
        try:
            subjects = _subjects(tx, value_or_id)
        except Rejected as refusal:
            fail(refusal.message)
        keeper = find_partner(tx, partner or _only_keeper(tx, subjects))
        of = value_or_id if value_or_id.startswith("indicator--") else frozenset(subjects)
        [result] = answer_all(hub, tx, keeper, [GivenAnswer(of, code, note)])
        if result.refused is not None:
            fail(result.refused.message)
        moment, by_name = now(), operator_name(by)
        event = AuditEvent(
            moment, moment, 1, keeper.name, by_name, "ANSWER", "account", None, 200, 1, str(result.answer)
        )
        audit.record_unsealed(tx, [event])
    row = {"keeper": keeper.name, "code": code, "listing": result.listing, "answer": result.answer, "by": by_name}
    row |= {"held": result.held} if result.held else {}
    if json:
        show_json(row)
    else:
        show_table("Answered", ["property", "value"], row.items())


def _subjects(tx: Tx, value_or_id: str) -> set[str]:
    if value_or_id.startswith("indicator--"):
        return set(listings.subjects(tx, [value_or_id]).values())
    return lookup.subjects(tx, [value_or_id])


def _only_keeper(tx: Tx, subjects: set[str]) -> str:
    names = {kept.partner for kept in kept_accounts.find(tx, every=True, values=subjects) if kept.left is None}
    if not names:
        fail("no partner that keeps it is waited for: scamfeed account list shows what is")
    if len(names) > 1:
        fail(f"several partners keep it, name one by --partner: {', '.join(sorted(names))}")
    return names.pop()


def _row(kept: KeptAccount, tracks: dict[str, list[str]], target: int, *, values: bool) -> dict[str, Any]:
    ended = kept.answered or kept.left or now()
    kind, _, value = kept.subject.partition(":")
    waited = max(0, ended - kept.since)
    listed = tracks.get(listings.track_of_keeper(kept.partner), [])
    return {
        "keeper": kept.partner,
        "kind": kind,
        **({"value": value} if values else {}),
        "since": stamp(kept.since),
        "hours": round(waited / _HOUR, 1),
        "late": waited > target,
        "code": kept.code,
        "answered": None if kept.answered is None else stamp(kept.answered),
        "left": None if kept.left is None else stamp(kept.left),
        "listing": listed[-1] if listed else None,
    }


def answers_of(tx: Tx, target: timedelta, withheld_target: timedelta, since: int) -> dict[str, Any]:
    """Return how many answers are waited for, by keeper, and how many reports wait for leave to be told to one."""
    due = withheld_target // _MICROSECOND
    withheld = reviews.all_reviews(tx, "open", rule=WITHHELD, limit=None)
    late = sum(1 for review in withheld if now() - review.opened > due)
    found = kept_accounts.counts(tx, target // _MICROSECOND, now(), since)
    return {
        "target_seconds": target.total_seconds(),
        "open": sum(counts.open for counts in found),
        "late": sum(counts.late for counts in found),
        "keepers": [_counts(counts) for counts in found],
        "withheld": {
            "open": len(withheld),
            "late": late,
            "ids": [object_id(review.object_id) for review in withheld[:10]],
        },
    }


def _counts(counts: AnswerCounts) -> dict[str, Any]:
    oldest = None if counts.oldest is None else round((now() - counts.oldest) / _SECOND)
    return {
        "keeper": counts.partner,
        "open": counts.open,
        "late": counts.late,
        "oldest_seconds": oldest,
        "answered": counts.answered,
        "in_time": counts.in_time,
    }
