"""``scamfeed iso20022``: messages of ISO 20022 in folders, read as requests and responses, and written from them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.transport.local import LocalFolder
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import LegalBasis
from server.cli.acting import Acting, WouldDo, acting
from server.cli.context import USAGE, By, Context, Json, fail, find_partner, registered, show_json, show_table
from server.features.iso20022 import desk, exchange, xml
from server.features.iso20022.desk import MessageOutcome, Writable
from server.features.iso20022.grammar import MISSING, is_installed
from server.features.iso20022.reading import Defaults
from server.features.iso20022.xml import MessageRefused
from server.features.requests import desk as requests_desk
from server.operations.run import dry_run as run_dry

app = typer.Typer(help="Messages of ISO 20022: camt.056, camt.029 and pacs.004.", no_args_is_help=True)
As = Annotated[str, typer.Option("--partner", help="the partner in whose name you act")]


@app.command()
def read(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="files, or folders of files *.xml", exists=True)],
    partner: As,
    within: Annotated[str, typer.Option(help="of camt.056: the time to respond, from its creation on")] = "10d",
    legal_basis: Annotated[LegalBasis, typer.Option(help="of camt.056: the legal basis")] = LegalBasis.SCHEME_RULES,
    asks: Annotated[str, typer.Option(help="of camt.056: return or freeze, in place of the message's word")] = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Send the requests and responses in messages, in the name of a partner; exit with status 2 if some are refused."""
    _require_package()
    rows: list[dict[str, Any]] = []
    with acting(ctx, by, json=json) as act:
        given = desk.defaults(within, legal_basis, asks)
        sender = registered(act.hub, partner)
        for file in _files(paths):
            rows.append(_read(act, sender, file, given, dry_run=dry_run))
    if json:
        show_json({**({"dry_run": True} if dry_run else {}), "files": rows})
    else:
        _show_read(rows, dry_run=dry_run)
    if any("refused" in result for row in rows for result in row["results"]):
        raise typer.Exit(USAGE)


@app.command()
def write(
    ctx: typer.Context,
    partner: As,
    output: Annotated[Path, typer.Option(help="the folder of the messages", exists=True, file_okay=False)],
    request: Annotated[
        list[str] | None, typer.Option(help="the id of a request; may be repeated [default: all]")
    ] = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Write the messages to a partner: its requests as addressee, and the responses to it as sender."""
    _require_package()
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        reader = find_partner(tx, partner)
        try:
            named = [requests_desk.show(tx, reader, id_.removeprefix("note--")) for id_ in request or ()]
        except Rejected as refusal:
            fail(refusal.message)
        found = list(desk.write_all(tx, named or desk.all_views(tx, reader)))
    rows = [row for writable in found for row in _write(writable, output, dry_run=dry_run)]
    if json:
        show_json({**({"dry_run": True} if dry_run else {}), "messages": rows})
        return
    columns = ["request", "file", "result"]
    title = "Dry run: nothing was written" if dry_run else "Messages"
    show_table(title, columns, [[row.get(column, "") for column in columns] for row in rows])


def _require_package() -> None:
    if not is_installed():
        fail(MISSING)


def _files(paths: list[Path]) -> Iterator[Path]:
    """Yield the files, those of a folder by name."""
    for path in paths:
        if path.is_dir():
            found = (file for file in path.iterdir() if file.suffix.lower() == ".xml" and not file.is_symlink())
            yield from sorted(file for file in found if file.is_file() and not file.name.startswith("."))
        else:
            yield path


def _read(act: Acting, partner: Partner, file: Path, given: Defaults, *, dry_run: bool) -> dict[str, Any]:
    """Return the results of a file in the form of the API."""
    row: dict[str, Any] = {"file": str(file)}
    try:
        with file.open("rb") as stream:
            message = desk.read(stream.read(xml.MOST_BYTES + 1), partner, given)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except MessageRefused as refusal:
        return {**row, "results": [{"path": refusal.path, "refused": _why(refusal)}]}
    row |= {"message": message.name, "id": message.id}
    if dry_run:
        with act.hub.store.read() as tx:
            plans = list(exchange.plans(tx, partner, message))
        outcomes = [_tried(act, partner, plan) for plan in plans]
    else:
        outcomes = desk.take(act.hub, partner, message, act.run)
    left = [*message.not_carried, *(path for outcome in outcomes for path in outcome.ignored)]
    return {**row, "results": list(map(_result, outcomes)), "not_carried": left, "not_carried_more": message.more}


def _tried(act: Acting, partner: Partner, plan: exchange.TransactionPlan) -> MessageOutcome:
    """Return the outcome that a transaction would have; of several steps only the first is tried."""
    if plan.refusal is not None:
        return MessageOutcome(plan.path, refusal=plan.refusal)
    operations = list(desk.operations(partner, plan))
    try:
        for operation in operations[:1]:
            run_dry(act.hub, operation, act.actor)
    except Rejected as refusal:
        return MessageOutcome(plan.path, refusal=refusal)
    states = [str(getattr(sent.content, "state", "open")) for sent in plan.sends]
    return MessageOutcome(plan.path, plan.request or "", states[-1] if states else "", plan.ignored)


def _result(outcome: MessageOutcome) -> dict[str, Any]:
    if outcome.refusal is not None:
        return {"path": outcome.path, "refused": _why(outcome.refusal)}
    return {"path": outcome.path, "request": outcome.request, "state": outcome.state}


def _why(refusal: Rejected) -> dict[str, str]:
    broken = {"rule": refusal.rule, "at": refusal.path} if isinstance(refusal, MessageRefused) else {}
    return {"reason": refusal.reason, "message": refusal.message, **broken}


def _show_read(rows: list[dict[str, Any]], *, dry_run: bool) -> None:
    lines = []
    for row in rows:
        for result in row["results"]:
            refused = result.get("refused")
            told = f"{refused.get('at', result['path'])}: {refused['message']}" if refused else result["request"]
            lines.append([row["file"], row.get("message", ""), refused["reason"] if refused else result["state"], told])
        for path in row.get("not_carried", ()):
            lines.append([row["file"], row["message"], "not carried", path])
        if row.get("not_carried_more"):
            lines.append([row["file"], row["message"], "not carried", f"{row['not_carried_more']} more"])
    title = "Dry run: nothing was changed. It would do" if dry_run else "Messages"
    show_table(title, ["file", "message", "result", "request, path or reason"], lines)


def _write(writable: Writable, output: Path, *, dry_run: bool) -> Iterator[dict[str, Any]]:
    """Write the messages of a request that the folder does not have, and yield a row for each."""
    if writable.refusal is not None:
        yield {"request": writable.request, "result": f"not written: {writable.refusal.message}"}
    folder = LocalFolder(output)
    for message in writable.messages:
        row: dict[str, Any] = {"request": writable.request, "file": message.file_name, "message": message.name}
        if message.not_carried:
            row["not_carried"] = list(message.not_carried)
        is_there = (output / message.file_name).exists()
        if not is_there and not dry_run:
            folder.put(message.file_name, lambda out, message=message: out.write(message.data))  # type: ignore[misc] # bound
        yield {**row, "result": "there already" if is_there else "would be written" if dry_run else "written"}


COMMANDS = {"iso20022": app}
