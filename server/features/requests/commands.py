"""``scamfeed request``: requests between institutions, and the responses to them."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import typer

from mappers.notes import RequestView
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import LegalBasis, Request, RequestAnswer, RequestReason, RequestState, RequestWord
from schemas.tabular import harmless_cell
from schemas.takedown import TakedownBasis, TakedownGround, TakedownResponse
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, fail, find_partner, registered, show_json, show_table
from server.features.requests import desk, records as requests, views
from server.features.requests.desk import Sent, StepRefused
from server.features.requests.limits import MOST_AT_ONCE
from server.features.requests.operations import (
    AssignRequest,
    RecordResponse,
    RefuseRequest,
    ReleaseRequest,
    Respond,
    RespondToSeveral,
    SendRequest,
    SendSeveral,
)
from server.features.requests.order_files import MOST_BYTES, FileRow, read_order, read_responses
from server.features.requests.states import Role
from server.features.requests.statistics import MOST_MONTHS, USUAL_MONTHS, TakedownFigures, count_takedowns
from server.store import Tx
from server.store.database.times import now

app = typer.Typer(help="Requests between institutions: about money, and to take down.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the request's id, with or without note-- in front")]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="the ids of the requests, as printed by `request list`")]
As = Annotated[str, typer.Option("--partner", help="the partner in whose name you act")]
SeenBy = Annotated[str | None, typer.Option("--partner", help="as seen by this partner; else all requests of the hub")]
_Content = TypeVar("_Content", Request, RequestAnswer)
_RECORDS: MappingProxyType[type[Request] | type[RequestAnswer], str] = MappingProxyType(
    {Request: "request", RequestAnswer: "request-answer"}
)
_COLUMNS = (
    "id",
    "asks",
    "state",
    "response",
    "sender",
    "addressee",
    "named_by",
    "kind",
    "amount",
    "currency",
    "reference",
    "deadline",
    "overdue",
)


@app.command(name="open")
def open_(
    ctx: typer.Context,
    value: Annotated[
        str,
        typer.Argument(
            help="the account, alias or wallet, or what shall be taken down, optionally with its kind: KIND:VALUE"
        ),
    ],
    partner: As,
    asks: Annotated[RequestWord, typer.Option(help="the action that you request")],
    reference: Annotated[str, typer.Option(help="your case number, without names of people")],
    deadline: Annotated[
        str,
        typer.Option(help="the deadline for a response: a time, or 30m, 4h, 2d [default: by the basis of a takedown]"),
    ] = "",
    legal_basis: Annotated[
        LegalBasis | None, typer.Option(help="the basis in law; of a takedown only for an order")
    ] = None,
    legal_reference: Annotated[str, typer.Option(help="number of the order or the law")] = "",
    addressee: Annotated[str, typer.Option(help="the partner asked [default: the provider of the account]")] = "",
    also_to: Annotated[
        list[str] | None, typer.Option(help="a partner that may follow the request; may be repeated")
    ] = None,
    kind: Annotated[str, typer.Option(help="the value's kind")] = "",
    bank: Annotated[str, typer.Option(help="of a bank account: its bank, by name or code")] = "",
    country: Annotated[str, typer.Option(help="of a bank account: its country")] = "",
    amount: Annotated[str, typer.Option(help="the amount, as 1234.50")] = "",
    currency: Annotated[str, typer.Option(help="of the amount: THB, USDT, …")] = "",
    uetr: Annotated[str, typer.Option(help="of the payment: its UETR")] = "",
    end_to_end_id: Annotated[str, typer.Option(help="of the payment: its end-to-end id")] = "",
    transaction_hash: Annotated[str, typer.Option(help="of the payment: its transaction hash")] = "",
    until: Annotated[str, typer.Option(help="when a freeze ends: a time, or 12h, 2d from now")] = "",
    basis: Annotated[TakedownBasis | None, typer.Option(help="of a takedown: its basis")] = None,
    authority: Annotated[str, typer.Option(help="of an order: the authority that gave it")] = "",
    location: Annotated[str, typer.Option(help="of a takedown: the exact address [default: the value]")] = "",
    explanation: Annotated[
        list[TakedownGround] | None, typer.Option(help="of a takedown: why; may be repeated")
    ] = None,
    scam_type: Annotated[str, typer.Option(help="of a takedown: the scam type")] = "",
    territory: Annotated[str, typer.Option(help="of a takedown: countries, as TH,LA [default: everywhere]")] = "",
    sha256: Annotated[str, typer.Option(help="of a takedown: SHA-256 of evidence, with commas between several")] = "",
    restores: Annotated[str, typer.Option(help="of a restore: the earlier request")] = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Ask another institution to act about money, or to take down, suspend, disconnect, block or restore."""
    columns = {
        **{
            "value": value,
            "kind": kind,
            "bank": bank,
            "country": country,
            "addressee": addressee,
            "asks": asks,
            "reference": reference,
        },
        **{"amount": amount, "currency": currency.upper(), "uetr": uetr, "end_to_end_id": end_to_end_id},
        **{"transaction_hash": transaction_hash, "legal_basis": legal_basis or "", "legal_reference": legal_reference},
        **{"deadline": deadline, "until": until or ""},
        "also_to": ";".join(also_to or ()),
        **{"basis": basis or "", "authority": authority, "location": location, "scam_type": scam_type},
        **{"explanation": ";".join(explanation or ()), "territory": territory, "sha256": sha256, "restores": restores},
    }
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        asking = registered(act.hub, partner)
        done = act.run(SendRequest(partner=asking, request=_read(Request, asking, columns)))
    _show(done, json=json)


@app.command()
def answer(
    ctx: typer.Context,
    id_: Id,
    partner: As,
    state: Annotated[
        RequestState | None, typer.Option(help="the next state; of a takedown it follows from --response")
    ] = None,
    response: Annotated[TakedownResponse | None, typer.Option(help="what you did about a takedown request")] = None,
    territory: Annotated[str, typer.Option(help="of restricted: the countries, as TH,LA")] = "",
    reference: Annotated[str, typer.Option(help="of a takedown: your own number for it")] = "",
    right_addressee: Annotated[str, typer.Option(help="of not-ours: who hosts it")] = "",
    amount: Annotated[str, typer.Option(help="the amount agreed or done [default: all of it]")] = "",
    currency: Annotated[str, typer.Option(help="of the amount, as in the request")] = "",
    reason: Annotated[RequestReason | None, typer.Option(help="why you disagree, or close it")] = None,
    went_to: Annotated[
        list[str] | None, typer.Option(help="a recipient of the money: KIND:VALUE=AMOUNT; may be repeated")
    ] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Change a request's state, as its addressee or as its sender."""
    columns = {
        **{"request": id_, "state": state or "", "amount": amount, "currency": currency.upper()},
        **{"response": response or "", "territory": territory, "reference": reference},
        **{"right_addressee": right_addressee},
        **{"reason": reason or "", "went_to": ";".join(went_to or ())},
    }
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        responding = registered(act.hub, partner)
        done = act.run(Respond(partner=responding, response=_read(RequestAnswer, responding, columns)))
    _show(done, json=json)


@app.command()
def bulk(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV: a location in each row, or the columns of requests.md", exists=True)
    ],
    partner: As,
    asks: Annotated[str, typer.Option(help="the action that you request, where a row does not say")] = "",
    reference: Annotated[str, typer.Option(help="your case number, common to all")] = "",
    basis: Annotated[TakedownBasis | None, typer.Option(help="the basis")] = None,
    legal_basis: Annotated[LegalBasis | None, typer.Option(help="of an order: the basis in law")] = None,
    legal_reference: Annotated[str, typer.Option(help="of an order: its number")] = "",
    authority: Annotated[str, typer.Option(help="of an order: the authority that gave it")] = "",
    addressee: Annotated[str, typer.Option(help="the partner asked [default: the host of each value]")] = "",
    explanation: Annotated[list[TakedownGround] | None, typer.Option(help="why; may be repeated")] = None,
    scam_type: Annotated[str, typer.Option(help="the scam type")] = "",
    territory: Annotated[str, typer.Option(help="countries, as TH,LA [default: everywhere]")] = "",
    deadline: Annotated[str, typer.Option(help="time for a response, as 24h [default: by the basis]")] = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Send a takedown request for each row of a file, by one common order; a refused row does not stop the others."""
    common = {
        **{"asks": asks, "reference": reference, "basis": basis or "", "legal_basis": legal_basis or ""},
        **{"legal_reference": legal_reference, "authority": authority, "addressee": addressee, "deadline": deadline},
        **{"explanation": ";".join(explanation or ()), "scam_type": scam_type, "territory": territory},
    }
    given = {name: text for name, text in common.items() if text}
    _send_file(ctx, file, partner, by, lambda text, of: read_order(text, of, given), dry_run=dry_run, json=json)


@app.command()
def respond(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV: request, response, reason, territory, reference", exists=True)],
    partner: As,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Send a response for each row of a file; a refused row does not stop the others."""
    _send_file(ctx, file, partner, by, read_responses, dry_run=dry_run, json=json)


@app.command()
def record(
    ctx: typer.Context,
    id_: Id,
    response: Annotated[TakedownResponse, typer.Option(help="what the addressee did")],
    reason: Annotated[RequestReason | None, typer.Option(help="of rejected and more-needed: why")] = None,
    territory: Annotated[str, typer.Option(help="of restricted: the countries, as TH,LA")] = "",
    reference: Annotated[str, typer.Option(help="the addressee's own number for it")] = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Record the response of an addressee of a takedown request that is no partner of the hub."""
    columns = {"request": id_, "response": response, "reason": reason or "", "territory": territory}
    columns |= {"reference": reference, "reported_at": timestamp.text(timestamp.now())}
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        try:
            answer = tabular.read_record("request-answer", columns, {"reporter": views.HUB})
        except Rejected as refusal:
            fail(refusal.message)
        if not isinstance(answer, RequestAnswer):
            raise TypeError(columns)
        view = act.run(RecordResponse(id=answer.request, response=answer))
    _show(view, json=json)


def _send_file(
    ctx: typer.Context,
    file: Path,
    name: str,
    by: str | None,
    read: Callable[[str, Partner], list[FileRow]],
    *,
    dry_run: bool,
    json: bool,
) -> None:
    """Send what the rows of a file say; exit with status 2 where some were refused."""
    if file.stat().st_size > MOST_BYTES:
        fail(f"the file is larger than {MOST_BYTES:,} bytes: send it in parts")
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = registered(act.hub, name)
        try:
            rows = read(file.read_bytes().decode(), partner)
        except UnicodeDecodeError:
            fail("the file is not in UTF-8: save it as CSV UTF-8")
        except Rejected as refusal:
            fail(refusal.message)
        found = [row for row in rows if row.content is not None]
        operation = SendSeveral(partner=partner, contents=tuple(row.content for row in found if row.content))
        sent = act.run(operation) if found else []
    results = {row.line: (done.id, done.reason, done.message) for row, done in zip(found, sent, strict=True)}
    results |= {row.line: ("", row.reason, row.message) for row in rows if row.content is None}
    names = ("line", "request", "reason", "message")
    lines = [dict(zip(names, (line, *result), strict=True)) for line, result in sorted(results.items())]
    if json:
        show_json(lines)
    else:
        show_table("Requests", names, [list(line.values()) for line in lines])
    if any(line["reason"] for line in lines):
        raise typer.Exit(2)


@app.command()
def confirm(
    ctx: typer.Context,
    ids: Ids,
    partner: As,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Confirm hops to accounts that an institution named: your order applies to them from now on."""
    _decide(ctx, partner, ids, RequestState.OPEN, by, dry_run=dry_run, json=json)


@app.command()
def decline(
    ctx: typer.Context,
    ids: Ids,
    partner: As,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Decline hops to accounts that an institution named: your order does not apply to them."""
    _decide(ctx, partner, ids, RequestState.CLOSED, by, dry_run=dry_run, json=json)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    partner: SeenBy = None,
    state: Annotated[list[RequestState] | None, typer.Option(help="only those in this state; may be repeated")] = None,
    role: Annotated[Role | None, typer.Option(help="with --partner: only those in which it has this role")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="only those whose deadline has passed")] = False,
    unaddressed: Annotated[
        bool, typer.Option("--unaddressed", help="only requests without an addressee at this hub")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="the maximum number")] = 200,
    json: Json = False,
) -> None:
    """List requests: a partner's, the newest first; or all, the oldest first."""
    context: Context = ctx.obj
    states = [str(wanted) for wanted in state or ()]
    with context.store() as store, store.read() as tx:
        if partner is not None:
            if unaddressed:
                fail("--unaddressed is for the operator: leave out --partner")
            views = desk.list_(tx, find_partner(tx, partner), states=states, role=role, most=limit)
            views = [view for view in views if view.overdue or not overdue]
        else:
            at = now() if overdue else None
            found = requests.all_requests(tx, states=states, overdue_at=at, unaddressed=unaddressed, most=limit)
            views = desk.every(tx, found)
    if json:
        show_json([view.written() for view in views])
    else:
        _show_table(views)


@app.command()
def show(ctx: typer.Context, id_: Id, partner: SeenBy = None, json: Json = False) -> None:
    """Show a request with all its steps."""
    context: Context = ctx.obj
    id_ = id_.removeprefix("note--")
    with context.store() as store, store.read() as tx:
        try:
            view = desk.show(tx, find_partner(tx, partner), id_) if partner else _whole(tx, id_)
        except Rejected as refusal:
            fail(refusal.message)
    _show(view, json=json)


@app.command()
def statistics(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="only requests to this partner")] = None,
    months: Annotated[int, typer.Option(min=1, max=MOST_MONTHS, help="number of months, with this one")] = USUAL_MONTHS,
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV, and nothing else")] = False,
    json: Json = False,
) -> None:
    """Show how many takedown requests each addressee got by month and act, and how fast it responded."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner).name if partner else None
        found = count_takedowns(tx, now(), addressee=name, months=months)
    if json:
        show_json({"statistics": [figures._asdict() for figures in found.figures], "whole": found.is_whole})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(TakedownFigures._fields)
        writer.writerows([harmless_cell(one.addressee), *one[1:]] for one in found.figures)
    else:
        rows = [["" if cell is None else cell for cell in figures] for figures in found.figures]
        show_table("Takedown requests", TakedownFigures._fields, rows)
        if not found.is_whole:
            fail("there are more requests than are counted: the oldest are left out; give fewer --months")


@app.command()
def assign(
    ctx: typer.Context,
    id_: Id,
    to: Annotated[str, typer.Option(help="the provider of the account")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Assign a request without an addressee to the provider of the account."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        view = act.run(AssignRequest(id=id_.removeprefix("note--"), to=to))
    _show(view, json=json)


@app.command()
def release(
    ctx: typer.Context,
    id_: Id,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Let a request that the gate holds reach its addressee; of an order a second person confirms it."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        done = act.run(ReleaseRequest(id=id_.removeprefix("note--")))
    _show(done, json=json)


@app.command()
def refuse(
    ctx: typer.Context,
    id_: Id,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Close a request that the gate holds: no addressee is asked."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        view = act.run(RefuseRequest(id=id_.removeprefix("note--")))
    _show(view, json=json)


def _read(content: type[_Content], partner: Partner, columns: dict[str, str]) -> _Content:
    """Return the record that the columns give in the name of a partner, or end the program."""
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
    try:
        read = tabular.read_record(_RECORDS[content], columns, defaults)
    except Rejected as refusal:
        fail(refusal.message)
    if not isinstance(read, content):
        raise TypeError(content)
    return read


def _decide(
    ctx: typer.Context, name: str, ids: list[str], state: RequestState, by: str | None, *, dry_run: bool, json: bool
) -> None:
    """Confirm or decline the given hops in the name of their sender; exit with status 2 where some were refused."""
    views: list[RequestView] = []
    refused: list[StepRefused] = []
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        partner = registered(act.hub, name)
        operations = [
            RespondToSeveral(partner=partner, ids=tuple(batch), response={"state": state})
            for batch in (ids[start : start + MOST_AT_ONCE] for start in range(0, len(ids), MOST_AT_ONCE))
        ]
        if dry_run:
            act.show_dry_run(operations)
        for operation in operations:
            done = act.run(operation)
            views += done.views
            refused += done.refused
    if json:
        show_json({"requests": [view.written() for view in views], "refused": [one._asdict() for one in refused]})
    else:
        _show_table(views)
        for one in refused:
            typer.echo(f"{one.id}: {one.message}", err=True)
    if refused:
        raise typer.Exit(2)


def _whole(tx: Tx, id_: str) -> RequestView:
    found = requests.find(tx, [id_])
    if not found:
        fail(f"there is no request {id_}")
    return desk.every(tx, found.values())[0]


def _show_table(views: list[RequestView]) -> None:
    rows = [{**written, "kind": written["of"]["kind"]} for written in (view.written() for view in views)]
    show_table("Requests", _COLUMNS, [[row.get(name) for name in _COLUMNS] for row in rows])


def _show(found: RequestView | Sent, *, json: bool) -> None:
    written = dict(found.written())
    if json:
        show_json(written)
        return
    steps = written.pop("steps")
    lines = [(name, _text(value)) for name, value in written.items()]
    show_table("Request", ["property", "value"], lines)
    columns = ["state", "at", "by", "amount", "currency", "reason", "went_to"]
    show_table("Steps", columns, [[_text(step.get(name)) for name in columns] for step in steps])


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(_text(entry) for entry in value.values())
    if isinstance(value, list):
        return "; ".join(str(_text(entry)) for entry in value)
    return value


COMMANDS = {"request": app}
