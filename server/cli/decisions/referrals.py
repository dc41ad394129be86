"""``scamfeed referral``: whom a coerced account holder was referred to for protection, and what came of it."""

import csv
import sys
from typing import Annotated, Any

import msgspec
import typer

from mappers import extension
from schemas.errors import Rejected
from schemas.partner import FocalFunction
from schemas.tabular import harmless_cell
from schemas.vocabulary import HolderStatus, ReferralAnswer
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import find_partner
from server.release.publish.referrals import answer as note_answer, refer
from server.release.query import lookup
from server.store import Tx, collections, focal_points, listings, log
from server.store.database.times import now, stamp
from server.store.focal_points import HUB
from server.store.referrals import referrals
from server.store.referrals.referrals import StoredReferral, UnknownReferral

app = typer.Typer(help="Referrals: coerced account holders, referred for protection.", no_args_is_help=True)

_HUB_NAME = "hub"
# Without the operator's name: a file may go to those concerned.
_IN_FILES = ("id", "listing", "to", "partner", "referred", "answer", "answered")
_HOUR = 3_600 * 1_000_000


@app.command()
def add(
    ctx: typer.Context,
    id_or_value: Annotated[str, typer.Argument(metavar="ID_OR_VALUE", help="a listing's id, or the value itself")],
    to: Annotated[str, typer.Option(help="the partner that has the focal point, or hub for the hub's own")],
    partner: Annotated[str | None, typer.Option(help="the partner that refers, where it is not this hub")] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Write down that the holder of a coerced account was referred; nothing about the person is asked or stored."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.begin() as tx:
        name = HUB if to == _HUB_NAME else find_partner(tx, to).name
        if not any(point.function is FocalFunction.PROTECTION for point in focal_points.of(tx, name)):
            fail(f"{to} has no focal point for protection: set it with scamfeed partner focal-point")
        referrer = None if partner is None else find_partner(tx, partner).name
        listing = _coerced_listing(tx, id_or_value)
        if listing is None:
            fail("no listing of a coerced holder is known under that name")
        row = _row(refer(hub, tx, listing, name, operator_name(by), referrer))
    _show([row], "Referred", json=json)


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also those that were answered")] = False,
    partner: Annotated[str | None, typer.Option(help="those that this partner made, or that were made to it")] = None,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, the oldest first")] = 1_000,
    csv_: Annotated[bool, typer.Option("--csv", help="print them as CSV, for a file")] = False,
    json: Json = False,
) -> None:
    """List the referrals that nobody has answered yet."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        name = None if partner is None else find_partner(tx, partner).name
        found = referrals.all_referrals(tx, only_open=not every, partner=name, limit=limit)
    rows = [_row(referral) for referral in found]
    if csv_:
        _write_csv(rows)
    else:
        _show(rows, "Referrals", json=json)


@app.command()
def answer(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the referral's id")],
    word: Annotated[ReferralAnswer, typer.Option("--answer", help="what the focal point answered")],
    by: By = None,
    json: Json = False,
) -> None:
    """Write down what the focal point answered, in one word."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.begin() as tx:
        try:
            row = _row(note_answer(hub, tx, id_, word, operator_name(by)))
        except UnknownReferral as error:
            fail(str(error))
    _show([row], "Answered", json=json)


def _coerced_listing(tx: Tx, id_or_value: str) -> str | None:
    """Return the id of the active listing of that name whose holder is coerced, None where there is none."""
    if id_or_value.startswith("indicator--"):
        ids = {id_or_value}
    else:
        try:
            subjects = lookup.subjects(tx, {id_or_value})
        except Rejected as refusal:
            fail(refusal.message)
        ids = {id_ for tracks in listings.find(tx, subjects).values() for id_ in listings.all_of(tracks)}
    for collection in collections.all_collections(tx):
        if not collection.filled_by_release:
            continue
        for id_, item in sorted(log.latest(tx, collection, ids).items()):
            context = extension.context_of(msgspec.json.decode(item.body))
            if not item.revoked and context.get("holder_status") == HolderStatus.COERCED:
                return id_
    return None


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


def _show(rows: list[dict[str, Any]], title: str, *, json: bool) -> None:
    if json:
        show_json(rows)
    else:
        columns = ["id", "listing", "to", "referred", "hours", "answer"]
        show_table(title, columns, [[row[column] for column in columns] for row in rows])
