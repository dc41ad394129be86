"""Uses the bulletin of ``docs/adding-a-feature.md`` as people do: by its command, its page and its endpoint."""

import json
import sys

from typer.testing import CliRunner

from server.app import close, create_app
from server.cli.program import app as program
from server.operations import registry
from server.settings import Settings
from server.store import Store, audit
from server.store.operators.users import OperatorRole
from tests.unit.server.web.shell.people import visitor_of


def main(url: str) -> None:
    """Print what each front end answers, as JSON."""
    runner = CliRunner()

    def command(*arguments: str) -> str:
        result = runner.invoke(program, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    command("init")
    command("bulletin", "set", "Banks are closed on Monday.", "--by", "Somchai")
    by_command = json.loads(command("bulletin", "show", "--json"))["text"]
    app = create_app(Settings(database_url=url, access_log="off"))
    store: Store = app.extensions["scamfeed-store"]
    analyst, viewer = visitor_of(app, OperatorRole.ANALYST), visitor_of(app, OperatorRole.VIEWER)
    sent = analyst.send("/console/bulletin/set", page="/console/bulletin", text="Banks are open again.")
    client = app.test_client()
    with store.read() as tx:
        acts = [entry.event.remote for entry in audit.tail(tx, 100) if entry.event.route == "bulletin"]
    answers = {
        "operation": "bulletin set" in registry.every(),
        "command": by_command,
        "sent": sent.status_code,
        "page": "Banks are open again." in viewer.get("/console/bulletin").text,
        "form for a viewer": "<textarea" in viewer.get("/console/bulletin").text,
        "Thai": "ประกาศ" in viewer.get("/console/bulletin?lang=th").text,
        "endpoint": client.get("/api/bulletin").json,
        "wrong method": client.post("/api/bulletin").status_code,
        "described": "/api/bulletin" in client.get("/openapi.json").json["paths"],
        "audit trail": sorted(acts),
    }
    close(app)
    print(json.dumps(answers))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(sys.argv[1])
