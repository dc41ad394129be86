"""``scamfeed operator``: the operators who may log in to the pages."""

from typing import Annotated

import typer

from server.cli.acting import WouldDo, acting, command_of
from server.cli.context import By, Context, Json, fail, show_rows
from server.features.people.links import Name, show_link
from server.features.people.operators.operations import (
    AddOperator,
    ChangeOperatorRole,
    MakeAdmin,
    RemoveOperator,
    RenewOperatorLink,
    SetOperatorAddress,
    find_operator,
)
from server.store.database.times import stamp
from server.store.operators import users
from server.store.operators.users import OperatorRole

app = typer.Typer(help="Operators: the people who may log in to the console, and their roles.", no_args_is_help=True)

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
        typer.Option(metavar="ADDRESS", help="e-mail address: two accounts with the same address are one person"),
    ] = None,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Add an operator, and print the link that sets the password: it works once, and for two days.

    A second person has to confirm an administrator, as soon as two operators have accounts that may confirm.
    """
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        if role is OperatorRole.ADMIN:
            with act.hub.store.read() as tx:
                if users.find(tx, name) is not None:
                    fail(f"there is a user {name} already")
            secret = act.run(MakeAdmin(operator=name, email=email)).secret
        else:
            secret = act.run(AddOperator(operator=name, role=role, email=email)).secret
    if secret is not None:
        show_link(ctx.obj, name, secret, json=json)


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
    headings = {"email": "e-mail", "second_factor": "second factor", "link_open": "link open", "created_by": "by"}
    columns = ["name", "role", "email", "second_factor", "link_open", "created", "created_by"]
    show_rows("Operators", rows, {column: headings.get(column, column) for column in columns}, json=json)


@app.command()
def link(
    ctx: typer.Context,
    name: Name,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Print a new link: the password, the second factor and all sessions end at once."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        secret = act.run(RenewOperatorLink(operator=name)).secret
    show_link(ctx.obj, name, secret, json=json)


@app.command()
def role(
    ctx: typer.Context,
    name: Name,
    role: Annotated[OperatorRole, typer.Argument(help="the new role")],
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Change an operator's role, from the next request on; open proposals of a viewer become void.

    A second person has to confirm an administrator, as soon as two operators have accounts that may confirm.
    """
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        if role is OperatorRole.ADMIN:
            with act.hub.store.read() as tx:
                find_operator(tx, name)
            act.run(MakeAdmin(operator=name))
        else:
            act.run(ChangeOperatorRole(operator=name, role=role))


app.command("email")(command_of(SetOperatorAddress, ["operator", "email"], {"operator": "name", "email": "address"}))
app.command("remove")(command_of(RemoveOperator, ["operator"], {"operator": "name"}))

COMMANDS = {"operator": app}
