"""``scamfeed incident``: select many wrong reports, and hold, release or retract all of them by two persons."""

from pathlib import Path
from typing import Annotated, Any

import typer

from schemas import timestamp
from schemas.errors import Rejected
from server.cli.acting import WouldDo, acting, command_of
from server.cli.context import By, Context, Json, counting, fail, show_json, show_rows, show_table
from server.cli.large_work import prepare_process
from server.features.incidents import carrying_out, records
from server.features.incidents.operations import (
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    ResumeIncident,
    SelectReports,
)
from server.features.incidents.records import Incident, UnknownIncident
from server.features.incidents.selection import Chosen
from server.features.incidents.views import IncidentView, as_json, report_as_json, view
from server.release import batches
from server.store import Tx
from server.store.database.times import micros, stamp

app = typer.Typer(help="Incidents: many wrong reports, decided on together by two persons.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the incident's id")]
_SHOWN = 20
_COLUMNS = ["id", "state", "made", "made_by", "reports", "values", "reason"]


@app.command("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="the maximum number, the newest first")] = 100,
    json: Json = False,
) -> None:
    """List the incidents."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [as_json(view(tx, found, None)) for found in records.all_incidents(tx, limit=limit)]
    show_rows("Incidents", rows, _COLUMNS, json=json)


@app.command()
def select(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="what went wrong, for the second person; without personal data")],
    partner: Annotated[str | None, typer.Option(help="only reports of this partner")] = None,
    since: Annotated[str | None, typer.Option(help="only reports received at or after this time")] = None,
    until: Annotated[str | None, typer.Option(help="only reports received before this time")] = None,
    contribution: Annotated[
        str | None, typer.Option(help="only reports of this POST or uploaded file, by its id")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="only reports with this reference of their partner")] = None,
    file: Annotated[
        Path | None,
        typer.Option(allow_dash=True, help="only reports of the values in this file, one a line; - is standard input"),
    ] = None,
    search: Annotated[str | None, typer.Option(help="only reports whose value contains this text")] = None,
    kind: Annotated[str | None, typer.Option(help="only reports of values of this kind")] = None,
    held: Annotated[str | None, typer.Option(help="only reports that this rule holds, such as new-partner")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Select the reports that meet all conditions, for one decision; later reports are not part of it."""
    prepare_process()
    chosen = Chosen(
        partner=partner,
        since=_moment("--since", since),
        until=_moment("--until", until),
        file=contribution,
        reference=reference,
        values=_lines(file),
        search=search,
        kind=kind,
        held=held,
    )
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        found = act.run(SelectReports.read(act.hub, act.actor, chosen, reason))
        with act.hub.store.read() as tx:
            shown = _view(tx, found.id)
    _show(shown, json)


def _moment(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else micros(timestamp.parse(text))
    except Rejected as refusal:
        fail(f"{option}: {refusal.message}")


def _lines(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        fail(f"{file}: cannot be read as text")
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


@app.command()
def show(
    ctx: typer.Context,
    id_: Id,
    reports: Annotated[int, typer.Option(min=0, max=200_000, help="show so many of the selected reports")] = 0,
    after: Annotated[int, typer.Option(min=0, help="of these, those after this place")] = 0,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="of these, those that the last decision left out")
    ] = False,
    json: Json = False,
) -> None:
    """Show an incident: its reports, the decisions with their progress, and the receipts of readers."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        shown = _view(tx, id_)
        rows = [report_as_json(one) for one in records.reports_after(tx, id_, after, reports, left_out=left_out)]
    if json:
        show_json({**as_json(shown), **({"selected": rows} if reports else {})})
        return
    _show(shown, json)
    if reports:
        columns = ["place", "id", "kind", "value", "received", "left_out"]
        show_table("Selected reports", columns, [[row.get(column) for column in columns] for row in rows])


def _view(tx: Tx, id_: str) -> IncidentView:
    try:
        return view(tx, records.find(tx, id_), None)
    except UnknownIncident as error:
        fail(str(error))


def _show(shown: IncidentView, json: bool) -> None:
    row = as_json(shown)
    if json:
        show_json(row)
        return
    tables = ("collections", "decisions", "receipts")
    lines = [[name.replace("_", " "), _text(value)] for name, value in row.items() if name not in tables]
    show_table("Incident", ["property", "value"], lines)
    for title, name in (("Listed in", "collections"), ("Decisions", "decisions"), ("Receipts", "receipts")):
        if found := row.get(name):
            columns = list(found[0])
            show_table(title, columns, [[_text(one[column]) for column in columns] for one in found])
    if shown.state == "ready":
        show_table("", ["next"], [[f"scamfeed incident decide {shown.incident.id} --decision hold|release|retract"]])


def _text(value: Any) -> Any:
    return ", ".join(f"{name}: {one}" for name, one in value.items()) if isinstance(value, dict) else value


@app.command()
def decide(
    ctx: typer.Context,
    id_: Id,
    decision: Annotated[str, typer.Option(help="hold, release or retract all its reports")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Hold, release or retract all reports of an incident: one person proposes it, another confirms it."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        if decision not in carrying_out.AFTER[None]:
            fail(f"--decision: {decision!r} is none of {', '.join(carrying_out.AFTER[None])}")
        act.run(DecideIncident(id=id_, decision=decision))
    _run(ctx, id_, json=json)


@app.command()
def run(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """Carry out the decision on an incident here and now; the servers do it by themselves within seconds.

    You may stop it at any time; it then continues where it stopped.
    """
    _run(ctx, id_, json=json)


def _run(ctx: typer.Context, id_: str, *, json: bool) -> None:
    context: Context = ctx.obj
    prepare_process()
    with context.hub() as hub, counting("reports decided") as count:
        with hub.store.read() as tx:
            last = _view(tx, id_).decisions[-1:]
        for one in last:
            job = carrying_out.CarryingOut(hub, records.job_name(id_, one.decision.number))
            for state in batches.run(hub, job):
                count(state["done"])
                if state["paused"]:
                    fail(f"the decision is paused: scamfeed incident resume {id_}")
        with hub.store.read() as tx:
            shown = _view(tx, id_)
    _show(shown, json)


def _show_incident(found: Incident, json: bool) -> None:
    row = {"id": found.id, "made": stamp(found.made), "reports": found.reports, "reason": found.reason}
    show_rows("Incident", [row], list(row), json=json)


app.command("pause")(command_of(PauseIncident, ["id"], shown=_show_incident))
app.command("resume")(command_of(ResumeIncident, ["id"], shown=_show_incident))
app.command("discard")(command_of(DiscardIncident, ["id"], shown=_show_incident))

COMMANDS = {"incident": app}
