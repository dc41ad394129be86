"""Who works with the program: the name that the audit trail is to have."""

import getpass
from typing import Annotated

import typer

By = Annotated[str | None, typer.Option(help="who does this, for the audit trail [default: the system's user]")]


def operator(by: str | None) -> str:
    """Give who works with the program: whom they say, else the system's user."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
