"""``scamfeed feed deliveries``: which version of which object was pushed to whom, when, and the answers."""

from typing import Annotated

import typer

from schemas import timestamp
from schemas.errors import Rejected
from server.cli.context import Context, Json, fail, show_json, show_table
from server.release.query.lookup import lookup
from server.store import Tx, deliveries as ledger
from server.store.database.times import moment

_COLUMNS = ("feed", "partner", "object", "version", "delivered", "answer", "attempts")


def deliveries(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="the feed's name [default: all]")] = None,
    about: Annotated[
        str | None, typer.Option("--object", help="only of this object id, or of the indicators of this value")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="only deliveries that the partner refused")] = False,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, the latest first")] = 100,
    json: Json = False,
) -> None:
    """Show which version of which object was pushed to whom, when, and what they answered."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        ids = None if about is None else _ids(tx, about)
        found = ledger.history(tx, feed=name, ids=ids, answer="failed" if refused else "", limit=limit)
    rows = [
        {
            "feed": delivery.feed,
            "partner": delivery.partner,
            "object": delivery.object_id,
            "version": None if delivery.version is None else timestamp.text(moment(delivery.version)),
            "delivered": timestamp.text(delivery.delivered),
            "answer": delivery.answer,
            "attempts": delivery.attempts,
        }
        for delivery in found
    ]
    if json:
        show_json(rows)
    else:
        show_table("Deliveries", list(_COLUMNS), [[row[column] for column in _COLUMNS] for row in rows])


def _ids(tx: Tx, about: str) -> list[str]:
    """Return the id that is given, or the ids of the value's indicators."""
    if "--" in about:
        return [about]
    try:
        known = lookup(tx, about)
    except Rejected as refusal:
        fail(f"--object: {refusal.message}")
    return [indicator["id"] for value in known for indicator in (*value.indicators, *value.listings)]
