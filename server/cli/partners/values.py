"""``scamfeed partner``: a partner's own domains and accounts, and its focal points."""

from typing import Annotated

import typer

from schemas.partner import FocalFunction
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import Name, failing, find_partner
from server.release.guard.allowlists.entered import BadEntry, read_subject
from server.release.partners import membership
from server.store import focal_points, partners, value_index
from server.store.partners import UnknownPartner
from server.store.value_index import OwnedByAnother


def own(
    ctx: typer.Context,
    name: Name,
    value: Annotated[
        list[str] | None,
        typer.Argument(help="domains, accounts and so on, alone or behind a kind: domain:bank.example"),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="these are its own no more")] = False,
    list_: Annotated[bool, typer.Option("--list", help="list its own values, and change nothing")] = False,
    json: Json = False,
) -> None:
    """Register values as a partner's own: a person looks at every report of them first."""
    context: Context = ctx.obj
    subjects = list(map(_subject, value or []))
    if list_ == bool(subjects):
        fail("name the values, or say --list")
    with context.store() as store, store.begin() as tx:
        try:
            partners.get(tx, name, gone=remove or list_)
            if list_:
                found = list(value_index.all_own_values(tx, name))
            else:
                found = (
                    value_index.remove_own_values(tx, name, subjects)
                    if remove
                    else value_index.add_own_values(tx, name, subjects)
                )
        except (UnknownPartner, OwnedByAnother) as error:
            fail(str(error))
    if json:
        show_json({"partner": name, "removed" if remove else "own" if list_ else "added": found})
    else:
        title = "Its own" if list_ else "Its own no more" if remove else "New among its own"
        show_table(title, ["kind", "value"], [own_value.split(":", 1) for own_value in found])


def focal_point(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="the partner's name, as registered [default: the hub itself]")
    ] = None,
    function: Annotated[FocalFunction | None, typer.Option(help="the matter that this contact is for")] = None,
    contact: Annotated[
        str | None, typer.Option(help="a role's address, a page or a hotline's number, never a person's")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="there is none for this function any more")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Set the contact of a partner, or of the hub, for a matter; without options, list the contacts."""
    context: Context = ctx.obj
    whose = focal_points.HUB if name is None else name
    with context.store() as store, store.begin() as tx, failing():
        partner = None if name is None else find_partner(tx, name)
        if function is not None:
            if remove == (contact is not None):
                fail("say either --contact or --remove")
            membership.set_focal_point(tx, partner, function, contact, operator_name(by))
        elif contact is not None or remove:
            fail("say for which --function")
        found = [{"function": point.function.value, "contact": point.contact} for point in focal_points.of(tx, whose)]
    if json:
        show_json({"partner": name, "focal_points": found})
    else:
        show_table("Focal points", ["function", "contact"], [list(row.values()) for row in found])


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    app.command()(own)
    app.command("focal-point")(focal_point)


def _subject(text: str) -> str:
    try:
        return read_subject(text)[1]
    except BadEntry as error:
        fail(str(error))
