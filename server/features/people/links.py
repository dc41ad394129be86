"""The shared parts of the commands about persons: their names and one-time links."""

from typing import Annotated

import typer

from server.cli.context import Context, show_properties
from server.store.operators import users

Name = Annotated[str, typer.Argument(help="the person's name, which the audit trail shows")]


def show_link(context: Context, name: str, secret: str, *, json: bool) -> None:
    """Print a one-time link; only the hash of its secret is stored."""
    base = context.settings.public_url.rstrip("/") or "http://127.0.0.1:8000"
    row = {"name": name, "link": f"{base}/welcome/{secret}", "hours": users.LINK_HOURS}
    show_properties("Give this link to the person; it works once", row, json=json)
