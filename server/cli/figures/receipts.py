"""``scamfeed receipts``: who was given a revoked object, and since when they know."""

from typing import Annotated, Any

import typer

from server.cli.context import Context, Json, show_json, show_table
from server.cli.decisions.accounts import answers_of
from server.release.query import receipts as settling
from server.release.query.receipts import ReceiptTotals
from server.release.query.spread import Spread
from server.store import retractions as kept
from server.store.database.times import now, stamp

_DAY = 86_400 * 1_000_000


def receipts(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all/--open", help="also those that are closed")] = False,
    days: Annotated[int, typer.Option(min=1, help="of those that are closed, these days' count")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, the oldest first")] = 1_000,
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
            standing = receipt_counts(settling.totals_since(tx, since, target), target.total_seconds())
    at = now()
    rows = [
        {
            "partner": receipt.partner,
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
    if json:
        show_json({**standing, "answers": answers, "receipts": rows})
        return
    columns = ["partner", "collection", "object", "reason", "opened", "seconds", "late", "how"]
    show_table("Retraction receipts", columns, [[row[column] for column in columns] for row in rows])
    show_table("Totals", ["property", "value"], flat(standing))
    if answers["keepers"]:
        shown = [list(row.values()) for row in answers["keepers"]]
        show_table("Answers of keepers", ["keeper", "open", "late", "oldest, seconds", "answered", "in time"], shown)


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
