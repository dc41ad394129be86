"""``scamfeed sandbox``: let a partner's client rehearse with synthetic listings, and see how it stands."""

from typing import Any

import typer

from schemas import timestamp
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import Name
from server.release.partners.connection import path
from server.release.sandbox import judge, play
from server.store import Tx, audit
from server.store.audit import AuditEvent
from server.store.database.times import moment, now
from server.store.partners import UnknownPartner
from server.store.sandbox import certificates, runs
from server.store.sandbox.runs import Rehearsal

app = typer.Typer(help="Sandboxes: partners' clients rehearse with synthetic listings.", no_args_is_help=True)


@app.command()
def start(ctx: typer.Context, name: Name, by: By = None, json: Json = False) -> None:
    """Fill a partner's own sandbox collection, anew where it had one; its clock starts with the client's first read."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            run = play.start(tx, name)
        except UnknownPartner as error:
            fail(str(error))
        _record(tx, by, "START", run)
        result = _status(tx, run)
    _show(result, json=json)


@app.command()
def stop(ctx: typer.Context, name: Name, by: By = None) -> None:
    """End a partner's rehearsal, and take the collection from it; its certificate stays."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        run = runs.find(tx, name)
        if run is None:
            fail(f"{name} has no sandbox; start it with scamfeed sandbox start")
        _record(tx, by, "STOP", run)
        play.stop(tx, name)


@app.command()
def status(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Show how a partner's client stands with each rule of the sandbox, and its certificate."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        run = runs.find(tx, name)
        if run is None:
            fail(f"{name} has no sandbox; start it with scamfeed sandbox start")
        result = _status(tx, run)
    _show(result, json=json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the partners that rehearse or have rehearsed, the latest first."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(tx, run) for run in runs.all_runs(tx)]
    if json:
        show_json(rows)
    else:
        show_table("Sandboxes", ["partner", "started", "ended", "certificate"], [list(row.values()) for row in rows])


def _row(tx: Tx, run: Rehearsal) -> dict[str, Any]:
    certificate = certificates.find(tx, run.partner)
    return {
        "partner": run.partner,
        "started": _text(run.started),
        "ended": None if run.ended is None else _text(run.ended),
        "certificate": None if certificate is None else certificate.number,
    }


def _status(tx: Tx, run: Rehearsal) -> dict[str, Any]:
    collection = runs.collection_of(tx, run.partner)
    certificate = certificates.find(tx, run.partner)
    at = now() if run.ended is None else run.ended
    return {
        "partner": run.partner,
        "collection": None if collection is None else collection.alias,
        "url": None if collection is None else path(collection),
        "started": _text(run.started),
        "minute": play.minutes(run, at),
        "ended": None if run.ended is None else _text(run.ended),
        "client": run.agent or None,
        "rules": [
            {
                "rule": result.name,
                "state": result.state,
                "text": judge.BY_NAME[result.name].text,
                "objects": list(result.objects),
                "do": judge.BY_NAME[result.name].way_out if result.state == "failed" else None,
            }
            for result in judge.results(tx, run, at)
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


def _record(tx: Tx, by: str | None, verb: str, run: Rehearsal) -> None:
    moment = now()
    event = AuditEvent(moment, moment, 1, run.partner, operator_name(by), verb, "sandbox", None, 200, 1, None)
    audit.record_unsealed(tx, [event])


def _text(micros: int) -> str:
    return timestamp.text(timestamp.to_millisecond(moment(micros)))
