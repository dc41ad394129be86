"""``scamfeed erase``: propose that every trace of a value is removed; ``scamfeed erasure``: what was erased."""

from typing import Annotated, Any

import typer

from schemas.errors import Rejected
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.decisions.proposals import show_proposal
from server.release import two_persons
from server.release.by_two_persons.sentences import english
from server.release.erasure import action, job
from server.store.database.engine import StoreUnavailable
from server.store.database.times import stamp
from server.store.erasure import erased
from server.store.erasure.erased import ErasureRecord

app = typer.Typer(help="Erasures: values of which every trace was removed.", no_args_is_help=True)


def erase(
    ctx: typer.Context,
    value: Annotated[str, typer.Argument(help="the value, in any spelling")],
    reason: Annotated[str, typer.Option(help="the reason, which is kept: without the value, and without any name")],
    kind: Annotated[str | None, typer.Option(help="the value's kind, where a text may mean several")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Propose to remove every trace of a value, everywhere; somebody else has to confirm it.

    What is still listed is retracted first. Nothing brings an erased value back.
    """
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.begin() as tx:
        try:
            arguments = action.arguments(tx, value, kind, reason)
            found = two_persons.propose(hub, tx, action.ACTION, arguments, operator_name(by))
        except (ValueError, two_persons.TooManyOpen) as error:
            fail(str(error))
        except Rejected as refusal:
            fail(refusal.message)
    show_proposal(found, json=json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List what was erased: an id, the kind of value, why, by whom, and the numbers of what went; never the value."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(record) for record in erased.all_erasures(tx)]
    if json:
        show_json(rows)
        return
    columns = ["id", "kind", "reason", "proposed_by", "confirmed_by", "begun", "ended"]
    show_table("Erasures", columns, [[row[column] for column in columns] for row in rows])


@app.command()
def finish(ctx: typer.Context, json: Json = False) -> None:
    """Do now what is left of erasures that were begun; the server's workers do it too, a minute after they stopped."""
    context: Context = ctx.obj
    with context.hub() as hub:
        try:
            done = action.finish(hub)
            job.rewrite_files(hub.store)
        except StoreUnavailable as error:
            fail(str(error), 1)
    if json:
        show_json({"done": english(done)})
    else:
        show_table("Done", ["what"], [[line] for line in english(done)])


def _row(record: ErasureRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "reason": record.reason,
        "proposed_by": record.proposed_by,
        "confirmed_by": record.confirmed_by,
        "begun": stamp(record.begun),
        "ended": None if record.ended is None else stamp(record.ended),
        "counts": dict(record.counts),
    }
