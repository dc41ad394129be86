"""``scamfeed request``: requests between institutions, and the answers to them."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from mappers.request_note import RequestView
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import LegalBasis, Request, RequestAnswer, RequestReason, RequestState, RequestWord
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.requests import desk
from server.release.requests.assign import assign as assign_to
from server.release.requests.states import Role
from server.store import Tx, partners
from server.store.database.times import now
from server.store.partners import UnknownPartner
from server.store.requests import requests

app = typer.Typer(help="Requests between institutions: to freeze, trace or return money.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the request's id, with or without note-- in front")]
As = Annotated[str, typer.Option("--partner", help="the partner in whose name you do it")]
SeenBy = Annotated[
    str | None, typer.Option("--partner", help="as this partner sees them; else all, as you run the hub")
]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_COLUMNS = (
    "id",
    "asks",
    "state",
    "sender",
    "addressee",
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
    value: Annotated[str, typer.Argument(help="the account, alias or wallet, alone or behind its kind")],
    partner: As,
    asks: Annotated[RequestWord, typer.Option(help="what is asked")],
    reference: Annotated[str, typer.Option(help="your number of the case, nobody's name")],
    deadline: Annotated[str, typer.Option(help="by when an answer is asked for: a time, or 30m, 4h, 2d from now")],
    legal_basis: Annotated[LegalBasis, typer.Option(help="the basis in law")],
    legal_reference: Annotated[str, typer.Option(help="number of the order or the law")] = "",
    addressee: Annotated[str, typer.Option(help="the partner that is asked; none is whoever keeps the account")] = "",
    also_to: Annotated[list[str] | None, typer.Option(help="a partner that may follow it; may be repeated")] = None,
    kind: Annotated[str, typer.Option(help="the value's kind")] = "",
    bank: Annotated[str, typer.Option(help="of a bank account: its bank, by name or code")] = "",
    country: Annotated[str, typer.Option(help="of a bank account: its country")] = "",
    amount: Annotated[str, typer.Option(help="how much, as 1234.50")] = "",
    currency: Annotated[str, typer.Option(help="of the amount: THB, USDT, …")] = "",
    uetr: Annotated[str, typer.Option(help="of the payment: its UETR")] = "",
    end_to_end_id: Annotated[str, typer.Option(help="of the payment: its end-to-end id")] = "",
    transaction_hash: Annotated[str, typer.Option(help="of the payment: its hash on the chain")] = "",
    until: Annotated[str, typer.Option(help="when a freeze ends: a time, or 12h, 2d from now")] = "",
    json: Json = False,
) -> None:
    """Ask another institution to freeze, trace or return money, for information, or to preserve evidence."""
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
        **{"transaction_hash": transaction_hash, "legal_basis": legal_basis, "legal_reference": legal_reference},
        **{"deadline": _time(deadline), "until": _time(until) if until else ""},
        "also_to": ";".join(also_to or ()),
    }
    _send(ctx.obj, partner, "request", columns, json=json)


@app.command()
def answer(
    ctx: typer.Context,
    id_: Id,
    partner: As,
    state: Annotated[RequestState, typer.Option(help="the next state")],
    amount: Annotated[str, typer.Option(help="what is agreed or done; all of it where none is given")] = "",
    currency: Annotated[str, typer.Option(help="of the amount: the request's")] = "",
    reason: Annotated[RequestReason | None, typer.Option(help="why you disagree, or close it")] = None,
    went_to: Annotated[
        list[str] | None, typer.Option(help="where money went: KIND:VALUE=AMOUNT; may be repeated")
    ] = None,
    json: Json = False,
) -> None:
    """Change a request's state, as its addressee or as its sender."""
    columns = {
        **{"request": id_, "state": state, "amount": amount, "currency": currency.upper()},
        **{"reason": reason or "", "went_to": ";".join(went_to or ())},
    }
    _send(ctx.obj, partner, "request-answer", columns, json=json)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    partner: SeenBy = None,
    state: Annotated[list[RequestState] | None, typer.Option(help="only those in this state; may be repeated")] = None,
    role: Annotated[Role | None, typer.Option(help="with --partner: only those in which it has this role")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="only those whose deadline has passed")] = False,
    unaddressed: Annotated[bool, typer.Option("--unaddressed", help="only those that nobody here is asked by")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="at most so many")] = 200,
    json: Json = False,
) -> None:
    """List requests: a partner's, the newest first; or all, the oldest first."""
    context: Context = ctx.obj
    states = [str(wanted) for wanted in state or ()]
    with context.store() as store, store.read() as tx:
        if partner is not None:
            if unaddressed:
                fail("--unaddressed is for the operator: leave out --partner")
            views = desk.list_(tx, _partner(tx, partner), states=states, role=role, most=limit)
            views = [view for view in views if view.overdue or not overdue]
        else:
            at = now() if overdue else None
            found = requests.all_requests(tx, states=states, overdue_at=at, unaddressed=unaddressed, most=limit)
            views = desk.every(tx, found)
    if json:
        show_json([view.written() for view in views])
    else:
        show_table("Requests", _COLUMNS, [[_row(view).get(name) for name in _COLUMNS] for view in views])


@app.command()
def show(ctx: typer.Context, id_: Id, partner: SeenBy = None, json: Json = False) -> None:
    """Show one request with all its steps."""
    context: Context = ctx.obj
    id_ = id_.removeprefix("note--")
    with context.store() as store, store.read() as tx:
        try:
            view = desk.show(tx, _partner(tx, partner), id_) if partner else _whole(tx, id_)
        except Rejected as refusal:
            fail(refusal.message)
    _show(view, json=json)


@app.command()
def assign(
    ctx: typer.Context,
    id_: Id,
    to: Annotated[str, typer.Option(help="the partner that keeps the account")],
    by: By = None,
    json: Json = False,
) -> None:
    """Assign a request without an addressee to the partner that keeps the account."""
    context: Context = ctx.obj
    id_ = id_.removeprefix("note--")
    with context.hub() as hub, hub.store.begin() as tx:
        try:
            assign_to(hub, tx, id_, _partner(tx, to), operator_name(by))
        except Rejected as refusal:
            fail(refusal.message)
        view = _whole(tx, id_)
    _show(view, json=json)


def _send(context: Context, name: str, record: str, columns: dict[str, str], *, json: bool) -> None:
    """Send what the columns say in the name of a partner, and show the request after it."""
    with context.hub() as hub, hub.store.begin() as tx:
        partner = _partner(tx, name)
        defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())}
        try:
            content = tabular.read_record(record, columns, defaults)
            if not isinstance(content, Request | RequestAnswer):
                raise TypeError(record)
            done = desk.send(hub, tx, partner, content)
        except Rejected as refusal:
            fail(refusal.message)
    _show(done.view, json=json)


def _partner(tx: Tx, name: str) -> Partner:
    try:
        return partners.get(tx, name)
    except UnknownPartner as error:
        fail(str(error))


def _whole(tx: Tx, id_: str) -> RequestView:
    found = requests.find(tx, [id_])
    if not found:
        fail(f"there is no request {id_}")
    return desk.every(tx, found.values())[0]


def _time(text: str) -> str:
    """Return a time as it is given, or so long from now."""
    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdecimal() and len(number) <= 6 and unit in _UNITS:
        return timestamp.text(timestamp.now() + timedelta(**{_UNITS[unit]: int(number)}))
    return text


def _row(view: RequestView) -> dict[str, Any]:
    written = view.written()
    return {**written, "kind": written["of"]["kind"]}


def _show(view: RequestView, *, json: bool) -> None:
    written = view.written()
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
