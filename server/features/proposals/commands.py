"""``scamfeed proposal``: acts under dual control; one person proposed it, another confirms or rejects it."""

from typing import Annotated

import typer

from server.cli.acting import WouldDo, acting, command_of, proposal_row, show_proposal
from server.cli.context import By, Context, Json, fail, show_json, show_rows, show_table
from server.features.partners.access.changes import NEW_CREDENTIALS, USER_LINK
from server.features.people.admins import ADMIN_LINK
from server.features.proposals.operations import ConfirmProposal, RejectProposal, WithdrawProposal
from server.operations import registry
from server.operations.sentences import english
from server.store.proposals import proposals
from server.store.proposals.proposals import UnknownProposal

# The effects that contain a link or credentials.
_SHOWN_ONCE = frozenset((ADMIN_LINK, NEW_CREDENTIALS, USER_LINK))

app = typer.Typer(help="Proposals: acts under dual control that wait for a second person.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="the proposal's id")]


@app.command(name="list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="also those that are decided or expired")] = False,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number, the oldest first")] = 1_000,
    json: Json = False,
) -> None:
    """List the proposals that wait for a second person."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [proposal_row(found) for found in proposals.all_proposals(tx, only_open=not every, limit=limit)]
    columns = ["id", "action", "proposed_by", "proposed", "expires", "state", "decided_by"]
    show_rows("Proposals", rows, columns, json=json)


@app.command()
def show(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """Show the effects of a proposal, exactly as its proposer read them."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        try:
            found = proposals.find(tx, id_)
        except UnknownProposal as error:
            fail(str(error))
    show_proposal(found, json=json)


@app.command()
def confirm(
    ctx: typer.Context,
    id_: Id,
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Carry out another person's proposal; if it would now have other effects, it becomes void."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        found, done = act.run(ConfirmProposal(id=id_))
        if found.state == "void":
            fail(f"the proposal {id_} is void: its effects or its proposer have changed since; propose it again")
        finish = registry.actions()[found.action].finish
        if finish is not None:
            done = [*done, *finish(act.hub)]
    if json:
        once = [dict(effect.values) for effect in done if effect.code in _SHOWN_ONCE]
        show_json({**proposal_row(found), "done": english(done), **({"shown_once": once} if once else {})})
    else:
        show_table("Done", ["what"], [[line] for line in english(done)])


app.command("reject")(command_of(RejectProposal, ["id"], shown=show_proposal))
app.command("withdraw")(command_of(WithdrawProposal, ["id"], shown=show_proposal))

COMMANDS = {"proposal": app}
