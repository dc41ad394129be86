"""``scamfeed erase``: propose to erase every trace of a value; ``scamfeed erasure``: the erasures."""

from collections.abc import Sequence
from typing import Any

import typer

from server.cli.acting import WouldDo, acting, command_of, show_proposal
from server.cli.context import By, Context, Json, fail, show_json, show_rows, show_table
from server.features.erasures.operations import FinishErasures, ProposeErasure
from server.features.federation.desk import erasures
from server.features.federation.desk.erasures import PeerErasure
from server.operations.sentences import english
from server.store import erased
from server.store.database.engine import StoreUnavailable
from server.store.database.times import stamp
from server.store.erased import ErasureRecord
from server.store.proposals.proposals import Effect

app = typer.Typer(help="Erasures: values of which every trace was erased.", no_args_is_help=True)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the erasures: id, kind of value, reason, persons, and the numbers of erased objects; never the value.

    For each other hub it shows whether the hub carried out the erasure, and whether it still reports the value itself.
    """
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        records = erased.all_erasures(tx)
        elsewhere = erasures.at_peers(hub, tx, records)
    rows = [_row(record, elsewhere.get(record.id, ())) for record in records]
    columns = ["id", "kind", "reason", "proposed_by", "confirmed_by", "begun", "ended"]
    if json or not elsewhere:
        show_rows("Erasures", rows, columns, json=json)
        return
    shown = [{**row, "hubs": [f"{each['peer']}: {each['state']}" for each in row["hubs"]]} for row in rows]
    show_rows("Erasures", shown, [*columns, "hubs"], json=False)


@app.command()
def finish(
    ctx: typer.Context,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Finish the erasures that have begun; the workers of the server do it too, a minute after an erasure stopped."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        try:
            ended = act.run(FinishErasures())
        except StoreUnavailable as error:
            fail(str(error), 1)
    done = english(Effect("erasure-ended", {"id": id_}) for id_ in ended)
    if json:
        show_json({"done": done})
    else:
        show_table("Done", ["what"], [[line] for line in done])


def _row(record: ErasureRecord, elsewhere: Sequence[PeerErasure]) -> dict[str, Any]:
    hubs = [{**each._asdict(), "at": None if each.at is None else stamp(each.at)} for each in elsewhere]
    return {
        "id": record.id,
        "kind": record.kind,
        "reason": record.reason,
        "proposed_by": record.proposed_by,
        "confirmed_by": record.confirmed_by,
        "begun": stamp(record.begun),
        "ended": None if record.ended is None else stamp(record.ended),
        "counts": dict(record.counts),
        "hubs": hubs,
    }


erase = command_of(
    ProposeErasure,
    ["value"],
    shown=show_proposal,
    help="Propose to erase every trace of a value, everywhere; another person has to confirm it.\n\n"
    "Reports and listings that remain are retracted first. Nothing restores an erased value.",
)

COMMANDS = {"erase": erase, "erasure": app}
