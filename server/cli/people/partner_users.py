"""``scamfeed partner user``: the persons who may log in to the pages for a partner."""

from typing import Annotated

import typer

from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.partners.access import find_partner
from server.cli.people.links import Name, show_link
from server.release.partners import users
from server.release.partners.users import BadName
from server.store.operators.users import NameInUse, PartnerRole, UnknownUser

app = typer.Typer(help="Users of a partner: who may log in to its pages, and as what.", no_args_is_help=True)

Partner = Annotated[str, typer.Argument(help="the partner's name, as registered")]
Position = Annotated[PartnerRole, typer.Option(help="reader sees, writer answers, admin rotates credentials too")]


@app.command()
def add(ctx: typer.Context, partner: Partner, name: Name, role: Position, by: By = None, json: Json = False) -> None:
    """Add a user of a partner, and print the link, good once and for two days, that sets the password."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            secret = users.add(tx, find_partner(tx, partner), name, role, operator_name(by))
        except (BadName, NameInUse) as error:
            fail(str(error))
    show_link(context, name, secret, json=json)


@app.command(name="list")
def list_(ctx: typer.Context, partner: Partner, json: Json = False) -> None:
    """List the users of a partner."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = users.of(tx, find_partner(tx, partner, gone=True))
    rows = [{"name": user.name, "role": user.role, "second_factor": user.totp is not None} for user in found]
    if json:
        show_json(rows)
    else:
        show_table(f"Users of {partner}", ["name", "role", "second factor"], [list(row.values()) for row in rows])


@app.command()
def link(ctx: typer.Context, partner: Partner, name: Name, by: By = None, json: Json = False) -> None:
    """Print a new link: the password, the second factor and all logins that there were end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            secret = users.renew_link(tx, find_partner(tx, partner), name, operator_name(by))
        except UnknownUser as error:
            fail(str(error))
    show_link(context, name, secret, json=json)


@app.command()
def remove(ctx: typer.Context, partner: Partner, name: Name, by: By = None) -> None:
    """Remove a user of a partner; all logins end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            users.remove(tx, find_partner(tx, partner, gone=True), name, operator_name(by))
        except UnknownUser as error:
            fail(str(error))
