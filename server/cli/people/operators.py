"""``scamfeed operator``: the operators who may log in to the pages."""

from typing import Annotated

import typer

from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.people.links import Name, given_name, note, show_link
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.operators import users
from server.store.operators.users import NameInUse, OperatorRole, UnknownUser

app = typer.Typer(help="Operators: who may log in to the console, and as what.", no_args_is_help=True)

Position = Annotated[
    OperatorRole, typer.Option(help="viewer sees, analyst decides reviews, approver confirms, admin does all")
]


@app.command()
def add(ctx: typer.Context, name: Name, role: Position, by: By = None, json: Json = False) -> None:
    """Add an operator, and print the link, good once and for two days, that sets the password."""
    context: Context = ctx.obj
    name = given_name(name)
    with context.store() as store, store.begin() as tx:
        try:
            secret = users.add(tx, name, role, operator_name(by))
        except NameInUse as error:
            fail(str(error))
        note(tx, "ADD", name, operator_name(by))
    show_link(context, name, secret, json=json)


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the operators."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {
                "name": user.name,
                "role": user.role,
                "second_factor": user.totp is not None or user.subject is not None,
                "link_open": user.link is not None,
                "created": stamp(user.created),
                "created_by": user.created_by,
            }
            for user in users.all_users(tx)
            if user.partner is None
        ]
    if json:
        show_json(rows)
    else:
        columns = ["name", "role", "second factor", "link open", "created", "by"]
        show_table("Operators", columns, [list(row.values()) for row in rows])


@app.command()
def link(ctx: typer.Context, name: Name, by: By = None, json: Json = False) -> None:
    """Print a new link: the password, the second factor and all logins that there were end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        secret = users.renew_link(tx, name)
        note(tx, "LINK", name, operator_name(by))
    show_link(context, name, secret, json=json)


@app.command()
def role(
    ctx: typer.Context, name: Name, role: Annotated[OperatorRole, typer.Argument(help="the new role")], by: By = None
) -> None:
    """Change an operator's role, from the next request on."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        users.change_role(tx, name, role)
        note(tx, "CHANGE", name, operator_name(by))


@app.command()
def remove(ctx: typer.Context, name: Name, by: By = None) -> None:
    """Remove an operator; all logins end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        note(tx, "REMOVE", name, operator_name(by))
        users.remove(tx, name)


def _operator(tx: Tx, name: str) -> None:
    """End the program where no operator has this name."""
    try:
        found = users.get(tx, name)
    except UnknownUser as error:
        fail(str(error))
    if found.partner is not None:
        fail(f"{name} is a user of {found.partner}: scamfeed partner user")
