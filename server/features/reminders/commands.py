"""Commands about reminders by mail: show what waits in the outbox."""

import typer

from server.cli.context import Context, Json, show_json, show_table
from server.features.reminders import outbox
from server.store.database.times import now, stamp

app = typer.Typer(help="Reminders by mail: show the outbox.", no_args_is_help=True)

_MOST = 1_000


@app.callback()
def main() -> None:
    """Keep ``list`` a command of its own."""


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the mails that wait, and those that could not be sent."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        totals = outbox.totals(tx, now() - 24 * outbox.HOUR)
        found = [*outbox.latest(tx, "waiting", _MOST), *outbox.latest(tx, "failed", _MOST)]
    rows = [
        {
            "id": mail.id,
            "user": mail.user,
            "purpose": mail.purpose,
            "state": mail.state,
            "made": stamp(mail.made),
            "attempts": mail.attempts,
            "error": mail.error,
        }
        for mail in found
    ]
    if json:
        show_json({"waiting": totals.waiting, "sent": totals.sent, "failed": totals.failed, "mails": rows})
        return
    columns = ["id", "user", "purpose", "state", "made", "attempts", "error"]
    show_table("Mails", columns, [[row[name] if row[name] is not None else "" for name in columns] for row in rows])


COMMANDS = {"mail": app}
