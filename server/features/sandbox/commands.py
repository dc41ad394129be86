"""``scamfeed sandbox``: partners' clients rehearse with synthetic listings, and the results."""

from typing import Any

import typer

from schemas import timestamp
from server.cli.acting import WouldDo, acting, command_of
from server.cli.context import By, Context, Json, PartnerName, fail, show_json, show_rows, show_table
from server.features.partners.connection import path
from server.features.sandbox import judge, play
from server.features.sandbox.operations import StartSandbox, StopSandbox
from server.store import Tx
from server.store.database.times import moment, now
from server.store.sandbox import certificates, runs
from server.store.sandbox.runs import Rehearsal

app = typer.Typer(help="Sandboxes: partners' clients rehearse with synthetic listings.", no_args_is_help=True)


@app.command()
def start(
    ctx: typer.Context,
    name: PartnerName,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Fill a partner's own sandbox collection again; its clock starts with the client's first read."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        begun = act.run(StartSandbox(partner=name))
        with act.hub.store.read() as tx:
            result = _status(tx, begun)
    _show(result, json=json)


app.command("stop")(command_of(StopSandbox, ["partner"]))


@app.command()
def status(ctx: typer.Context, name: PartnerName, json: Json = False) -> None:
    """Show the results of a partner's client for each rule of the sandbox, and its certificate."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = runs.find(tx, name)
        if found is None:
            fail(f"{name} has no sandbox; start it with scamfeed sandbox start")
        result = _status(tx, found)
    _show(result, json=json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the partners that rehearse or have rehearsed, the latest first."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(tx, found) for found in runs.all_runs(tx)]
    show_rows("Sandboxes", rows, ["partner", "started", "ended", "certificate"], json=json)


def _row(tx: Tx, found: Rehearsal) -> dict[str, Any]:
    certificate = certificates.find(tx, found.partner)
    return {
        "partner": found.partner,
        "started": _text(found.started),
        "ended": None if found.ended is None else _text(found.ended),
        "certificate": None if certificate is None else certificate.number,
    }


def _status(tx: Tx, found: Rehearsal) -> dict[str, Any]:
    collection = runs.collection_of(tx, found.partner)
    certificate = certificates.find(tx, found.partner)
    at = now() if found.ended is None else found.ended
    return {
        "partner": found.partner,
        "collection": None if collection is None else collection.alias,
        "url": None if collection is None else path(collection),
        "started": _text(found.started),
        "minute": play.minutes(found, at),
        "ended": None if found.ended is None else _text(found.ended),
        "client": found.agent or None,
        "rules": [
            {
                "rule": result.name,
                "state": result.state,
                "text": judge.BY_NAME[result.name].text,
                "objects": list(result.objects),
                "do": judge.BY_NAME[result.name].way_out if result.state == "failed" else None,
            }
            for result in judge.results(tx, found, at)
        ],
        "certificate": None
        if certificate is None
        else {"number": certificate.number, "issued": _text(certificate.issued), "client": certificate.agent},
    }


def _show(result: dict[str, Any], *, json: bool) -> None:
    if json:
        show_json(result)
        return
    certificate = result["certificate"]
    rows = [(name, result[name]) for name in ("partner", "collection", "url", "started", "minute", "ended", "client")]
    rows.append(("certificate", certificate and f"{certificate['number']} of {certificate['issued']}"))
    show_table("Sandbox", ["property", "value"], [(name, value) for name, value in rows if value is not None])
    show_table(
        "A client that passes",
        ["rule", "state", "it", "what to do"],
        [(rule["rule"], rule["state"], rule["text"], rule["do"]) for rule in result["rules"]],
    )


def _text(micros: int) -> str:
    return timestamp.text(timestamp.to_millisecond(moment(micros)))


COMMANDS = {"sandbox": app}
