"""``scamfeed operator``: the operators who may log in to the pages."""

from typing import Annotated

import typer

from schemas.text import plain_address
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
def add(
    ctx: typer.Context,
    name: Name,
    role: Position,
    email: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="e-mail address, by which two accounts of one person are known"),
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Add an operator, and print the link, good once and for two days, that sets the password."""
    context: Context = ctx.obj
    name = given_name(name)
    address = None if email is None else _address(email)
    with context.store() as store, store.begin() as tx:
        try:
            secret = users.add(tx, name, role, operator_name(by), email=address)
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
                "email": user.email,
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
        columns = ["name", "role", "e-mail", "second factor", "link open", "created", "by"]
        show_table("Operators", columns, [list(row.values()) for row in rows])


@app.command()
def link(ctx: typer.Context, name: Name, by: By = None, json: Json = False) -> None:
    """Print a new link: the password, the second factor and all logins that there were end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        secret = users.renew_link(tx, name, operator_name(by))
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
def email(
    ctx: typer.Context,
    name: Name,
    address: Annotated[str | None, typer.Argument(help="the e-mail address; without it, it is removed")] = None,
    by: By = None,
) -> None:
    """Set an operator's e-mail address: accounts with the same one are one person where two persons decide."""
    context: Context = ctx.obj
    plain = None if address is None else _address(address)
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        users.set_email(tx, name, plain)
        note(tx, "CHANGE", name, operator_name(by))


@app.command()
def remove(ctx: typer.Context, name: Name, by: By = None) -> None:
    """Remove an operator; all logins end at once."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        _operator(tx, name)
        note(tx, "REMOVE", name, operator_name(by))
        users.remove(tx, name)


def _address(text: str) -> str:
    """Return an address as it is kept; ends the program for what is none."""
    address = plain_address(text)
    if address is None:
        fail("this is no e-mail address")
    return address


def _operator(tx: Tx, name: str) -> None:
    """End the program where no operator has this name."""
    try:
        found = users.get(tx, name)
    except UnknownUser as error:
        fail(str(error))
    if found.partner is not None:
        fail(f"{name} is a user of {found.partner}: scamfeed partner user")
