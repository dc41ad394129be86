"""The options by which the commands of a partner's side reach a hub: its address, our token, and whom to trust."""

import os
from pathlib import Path
from typing import Annotated

import typer

from server.cli.context import fail

_TOKEN = "SCAMFEED_TOKEN"  # noqa: S105 - the name of a variable

Server = Annotated[str, typer.Option(help="the address of the hub")]
TokenFile = Annotated[
    Path | None, typer.Option(help=f"file of the token [default: the variable {_TOKEN}]", dir_okay=False)
]
CaFile = Annotated[Path | None, typer.Option(help="certificates of the authority that the hub's is from")]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="allow connections to this machine and to private networks")
]


def read_token(file: Path | None) -> str:
    """Return the token in the file, else the one in the environment; end the command where there is none."""
    if file is None:
        token = os.environ.get(_TOKEN, "")
    else:
        try:
            token = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            fail(f"{file}: cannot be read")
    if not token:
        fail(f"give the token of the hub in the variable {_TOKEN}, or in a file by --token-file")
    return token
