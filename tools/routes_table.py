"""The tables of routes: the endpoints for programs, from the OpenAPI description, and the pages."""

import re
import tempfile
from pathlib import Path
from typing import Any

from server.app import close, create_app
from server.operations import rights
from server.settings import Settings
from server.setup import set_up
from server.store import Store
from server.web.shell import routes
from server.web.shell.routes import Route
from tools.tables import table

_HEADER = ("method", "address", "who", "purpose")
_WHO = {
    rights.ANYBODY: "anybody",
    rights.EVERY_USER: "every user",
    rights.VIEWERS: "operators",
    rights.ANALYSTS: "analysts",
    rights.APPROVERS: "approvers",
    rights.ADMINS: "administrators",
    rights.PARTNERS: "a partner's users",
    rights.PARTNER_WRITERS: "a partner's writers",
    rights.PARTNER_ADMINS: "a partner's administrators",
}


def endpoints() -> list[str]:
    """Return the table of the endpoints for programs."""
    return table(
        _HEADER,
        (
            (method.upper(), f"`{path}`", "anybody" if asked.get("security") == [] else "partners", asked["summary"])
            for path, item in sorted(described()["paths"].items())
            for method, asked in item.items()
            if method != "parameters"
        ),
    )


def pages() -> list[str]:
    """Return the table of the pages for people."""
    return table(_HEADER, map(_row, sorted(routes.every(), key=lambda route: route.path)))


def _row(route: Route) -> tuple[str, str, str, str]:
    # A purpose is the first sentence of the view, without the errors that it may raise.
    purpose = re.sub(r" Raises ``.*", "", (route.view.__doc__ or "").partition("\n")[0]).replace("``", "`")
    who = _WHO.get(route.who) or ", ".join(sorted(route.who))
    again = "; password and code again after ten minutes" if route.is_fresh else ""
    return ", ".join(route.methods), f"`{route.path}`", who + again, purpose


def described() -> dict[str, Any]:
    """Return the OpenAPI description that a hub serves."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            database_url=f"sqlite:///{folder}/hub.db",
            match_seed_file=_secret(folder),
            evidence_key_file=_secret(folder),
        )
        store = Store.open(settings.database_url)
        set_up(store)
        store.close()
        app = create_app(settings)
        try:
            described: dict[str, Any] = app.test_client().get("/openapi.json").json
        finally:
            close(app)
    return described


def _secret(folder: str) -> Path:
    file = Path(folder) / "secret"
    file.touch(mode=0o600)
    file.write_text("0" * 64, encoding="utf-8")
    return file
