"""``scamfeed doctor``: tries a hub as a client would, and says what is wrong."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from feeds.client.doctor.checkup import check_up
from feeds.transport.client import LoginSettings
from server.cli.context import Json, fail, show_json, show_table

_TOKEN, _PASSWORD = "HUB_TOKEN", "HUB_PASSWORD"
_COLUMNS = ("check", "verdict", "found", "what to do")


def doctor(
    url: Annotated[str, typer.Argument(help="the hub's discovery page, as https://hub.example/taxii2/")],
    user: Annotated[
        str | None,
        typer.Option(help=f"your user name, with the password in {_PASSWORD} [default: the token in {_TOKEN}]"),
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="collections to read (alias or id) [default: the first five]", metavar="NAME"),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="certificates of the authority that the hub's is from, PEM", exists=True)
    ] = None,
    json: Json = False,
) -> None:
    """Try a hub as a client would: name, TLS, clock, login, grants, paging, digest, heartbeat. It only reads.

    Exit 1 if something is wrong; each fault is shown with its remedy.
    """
    findings = check_up(url, _login(user, ca_file), collections=tuple(collection or ()), ca_file=ca_file)
    if json:
        show_json({"url": url, "well": findings.is_well, "findings": [found._asdict() for found in findings.found]})
    else:
        show_table("All is well" if findings.is_well else "Something is wrong", _COLUMNS, findings.found)
    if not findings.is_well:
        raise typer.Exit(1)


def _login(user: str | None, ca_file: Path | None) -> LoginSettings:
    """Return the login from the environment, or end the program."""
    settings: dict[str, object] = {"allow_private": True, "retries": 0, "timeout": "15s", "ca_file": ca_file}
    if user is not None:
        if not os.environ.get(_PASSWORD):
            fail(f"--user: the password is read from {_PASSWORD}, which is empty")
        settings |= {"user": user, "password": {"env": _PASSWORD}}
    elif os.environ.get(_TOKEN):
        settings["token"] = {"env": _TOKEN}
    try:
        return LoginSettings.model_validate(settings)
    except ValidationError as error:
        fail(str(error.errors()[0]["msg"]))


COMMANDS = {"doctor": doctor}
