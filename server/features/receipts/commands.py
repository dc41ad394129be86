"""``scamfeed receipts``: who was given a revoked object, and since when they know."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from server.cli.context import Context, Json, show_json, show_rows, show_table
from server.features.dispatch import outbox
from server.features.dispatch.outbox import DispatchMail
from server.features.requests import records as requests
from server.features.requests.records import OUTSIDE, StoredRequest
from server.release.fuse.statements import WITHHELD
from server.release.query import receipts as settling
from server.release.query.receipts import ReceiptTotals
from server.release.query.spread import Spread
from server.store import Tx, retractions as kept, reviews
from server.store.database.times import now, stamp
from server.store.inbox import object_id
from server.store.providers import kept_accounts
from server.store.providers.kept_accounts import AnswerCounts

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_MICROSECOND = timedelta(microseconds=1)


def receipts(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all/--open", help="also closed receipts")] = False,
    days: Annotated[int, typer.Option(min=1, help="the number of days whose closed receipts count")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number of rows, the oldest first")] = 1_000,
    json: Json = False,
) -> None:
    """Show which partners still have revoked objects, for how long, and how long others took to learn of it."""
    context: Context = ctx.obj
    target = context.settings.retraction_target
    with context.store() as store:
        settling.settle_in_steps(store)
        with store.read() as tx:
            since = now() - days * _DAY
            found = (
                kept.all_receipts(tx, since=since, limit=limit)
                if every
                else kept.all_receipts(tx, only_open=True, limit=limit)
            )
            answers = answers_of(tx, context.settings.answer_target, context.settings.withheld_target, since)
            restores = requests.open_restores(tx, limit)
            mails = outbox.open_corrections(tx, limit)
            standing = receipt_counts(settling.totals_since(tx, since, target), target.total_seconds())
    at = now()
    rows = [
        {
            "partner": receipt.partner,
            "channel": receipt.channel or None,
            "collection": receipt.collection,
            "object": receipt.object_id,
            "reason": receipt.reason,
            "opened": stamp(receipt.opened),
            "seconds": settling.age(receipt.opened, receipt.closed, at),
            "late": settling.age(receipt.opened, receipt.closed, at) > target.total_seconds(),
            "closed": None if receipt.closed is None else stamp(receipt.closed),
            "how": receipt.how,
        }
        for receipt in found
    ]
    undone, unsent = _undone(restores, at), _unsent(mails, at)
    if json:
        show_json({**standing, "answers": answers, "receipts": rows, "restores": undone, "mails": unsent})
        return
    columns = ["partner", "channel", "collection", "object", "reason", "opened", "seconds", "late", "how"]
    show_rows("Retraction receipts", rows, columns, json=False)
    show_table("Totals", ["property", "value"], flat(standing))
    for title, waiting in (
        ("Open requests to restore", undone),
        ("Withdrawals by mail not sent", unsent),
    ):
        if waiting:
            show_table(title, list(waiting[0]), [list(row.values()) for row in waiting])
    if answers["keepers"]:
        shown = [list(row.values()) for row in answers["keepers"]]
        show_table(
            "Findings of providers", ["provider", "open", "late", "oldest, seconds", "answered", "in time"], shown
        )


def _undone(restores: Sequence[StoredRequest], at: int) -> list[dict[str, Any]]:
    return [
        {
            "request": stored.id,
            "addressee": (stored.addressee or "").removeprefix(OUTSIDE) or None,
            "opened": stamp(stored.opened),
            "served": None if stored.served_at is None else stamp(stored.served_at),
            "seconds": settling.age(stored.opened, None, at),
        }
        for stored in restores
    ]


def _unsent(mails: Sequence[DispatchMail], at: int) -> list[dict[str, Any]]:
    return [
        {
            "mail": mail.id,
            "address": mail.address,
            "made": stamp(mail.made),
            "state": mail.state,
            "seconds": settling.age(mail.made, None, at),
        }
        for mail in mails
    ]


def receipt_counts(standing: ReceiptTotals, target: float) -> dict[str, Any]:
    """Return the state of the receipts as JSON; times in seconds."""
    return {
        "open": standing.open,
        "oldest_seconds": standing.oldest,
        "target_seconds": target,
        "late": standing.late,
        "no_access": standing.unreached,
        "waiting": spread_of(standing.waiting),
        "closed": spread_of(standing.closed),
    }


def flat(standing: dict[str, Any]) -> list[list[Any]]:
    """Return the same as table rows."""
    return [
        [name if part is None else f"{name} {part}", value]
        for name, figures in standing.items()
        for part, value in (figures.items() if isinstance(figures, dict) else [(None, figures)])
    ]


def spread_of(spread: Spread) -> dict[str, Any]:
    """Return percentiles as JSON."""
    return {"count": spread.of, "p50_seconds": spread.p50, "p95_seconds": spread.p95}


def answers_of(tx: Tx, target: timedelta, withheld_target: timedelta, since: int) -> dict[str, Any]:
    """Return the number of open findings by provider, and of reports that wait for permission to inform a provider."""
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


COMMANDS = {"receipts": receipts}
