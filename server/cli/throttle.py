"""``scamfeed partner lift-brake``: a partner that was slowed goes on as before."""

import typer

from server.cli.context import Context, fail
from server.cli.partner_access import Name, known
from server.release.guard import volume
from server.store.times import now


def lift_brake(ctx: typer.Context, name: Name) -> None:
    """Let a partner that was slowed, for how much it sent or how much was held, go on as before."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        known(tx, name)
        if not volume.lift_throttle(tx, name, now()):
            fail(f"{name}: nothing slows this partner")


def register(app: typer.Typer) -> None:
    """Make this a command of ``app``."""
    app.command("lift-brake")(lift_brake)
