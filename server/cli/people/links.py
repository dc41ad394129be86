"""The shared parts of the commands about persons: their names, the audit trail, and one-time links."""

from typing import Annotated

import typer

from server.cli.context import Context, fail, show_json, show_table
from server.release.partners.users import BadName, person_name
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users

Name = Annotated[str, typer.Argument(help="the person's name, which the audit trail shows")]


def given_name(name: str) -> str:
    """Return a name as it is kept; ends the program for one that cannot be."""
    try:
        return person_name(name)
    except BadName as error:
        fail(str(error))


def note(tx: Tx, verb: str, name: str, by: str) -> None:
    """Add to the audit trail what was done to a user, by its id."""
    moment, found = now(), users.get(tx, name)
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, found.partner, by, verb, "user", None, 200, 1, found.id)])


def show_link(context: Context, name: str, secret: str, *, json: bool) -> None:
    """Print a one-time link; only the hash of its secret is kept."""
    base = context.settings.public_url.rstrip("/") or "http://127.0.0.1:8000"
    row = {"name": name, "link": f"{base}/welcome/{secret}", "hours": users.LINK_HOURS}
    if json:
        show_json(row)
    else:
        show_table("Give this link to the person; it works once", ["property", "value"], [*row.items()])
