"""``scamfeed referral``: referrals of coerced account holders for protection, and the responses to them."""

import csv
import sys
from typing import Annotated, Any

import typer

from schemas.tabular import harmless_cell
from schemas.vocabulary import ReferralAnswer
from server.cli.acting import WouldDo, acting
from server.cli.context import By, Context, Json, find_partner, show_rows
from server.features.referrals.operations import AnswerReferral, Refer
from server.store.database.times import now, stamp
from server.store.referrals import referrals
from server.store.referrals.referrals import StoredReferral

app = typer.Typer(help="Referrals: coerced account holders, referred for protection.", no_args_is_help=True)

_COLUMNS = ["id", "listing", "to", "referred", "hours", "answer"]
_HUB_NAME = "hub"
# Without the operator's name, because the file may be given to the parties.
_IN_FILES = ("id", "listing", "to", "partner", "referred", "answer", "answered")
_HOUR = 3_600 * 1_000_000


@app.command()
def add(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="the id of a listing, or the value itself")],
    to: Annotated[str, typer.Option(help="the partner with the focal point, or hub for the hub's own")],
    partner: Annotated[str | None, typer.Option(help="the partner that refers, if it is not this hub")] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Record that the holder of a coerced account was referred; nothing about the person is asked or stored."""
    operation = Refer(id_or_value=id_or_value, to=None if to == _HUB_NAME else to, partner=partner)
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        made = act.run(operation)
    show_rows("Referred", [_row(made)], _COLUMNS, json=json)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="answered referrals too")] = False,
    partner: Annotated[str | None, typer.Option(help="only referrals by this partner or to it")] = None,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the oldest first")] = 1_000,
    csv_: Annotated[bool, typer.Option("--csv", help="print CSV")] = False,
    json: Json = False,
) -> None:
    """List open referrals."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        name = None if partner is None else find_partner(tx, partner).name
        found = referrals.all_referrals(tx, only_open=not every, partner=name, limit=limit)
    rows = [_row(referral) for referral in found]
    if csv_:
        _write_csv(rows)
    else:
        show_rows("Referrals", rows, _COLUMNS, json=json)


@app.command()
def answer(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the id of the referral")],
    word: Annotated[ReferralAnswer, typer.Option("--answer", help="the response of the focal point")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Record the response of the focal point, in one word."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        answered = act.run(AnswerReferral(id=id_, answer=word))
    show_rows("Answered", [_row(answered)], _COLUMNS, json=json)


def _row(found: StoredReferral) -> dict[str, Any]:
    ended = found.answered or now()
    return {
        "id": found.id,
        "listing": found.listing,
        "to": found.referred_to or _HUB_NAME,
        "partner": found.partner,
        "referred": stamp(found.referred),
        "by": found.referred_by,
        "answer": found.answer,
        "answered": None if found.answered is None else stamp(found.answered),
        "hours": round((ended - found.referred) / _HOUR, 1),
    }


def _write_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_IN_FILES)
    writer.writerows([harmless_cell(str(row[name] or "")) for name in _IN_FILES] for row in rows)


COMMANDS = {"referral": app}
