"""An operator questions the reporters of a value, and sees the recipients."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.program import app


def test_reporter_receives_the_operators_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    (tmp_path / "reports.csv").write_text("value,reference\nshop.example.com,CASE-7\n")
    for arguments in (
        ["init"],
        ["partner", "add", "Platform", "--kind", "platform", "--read", "takedown"],
        ["contribute", "reports.csv", "--partner", "Platform", "--kind", "domain", "--tlp", "green"],
    ):
        assert runner.invoke(app, arguments).exit_code == 0
    asked = runner.invoke(app, ["ask", "shop.example.com", "--question", "Is it still up?", "--json"])
    assert json.loads(asked.stdout) == {"asked": 1}
    told = json.loads(runner.invoke(app, ["outcomes", "--partner", "Platform", "--json"]).stdout)["outcomes"]
    (request,) = (row for row in told if row["event"] == "requested")
    assert (request["message"], request["reference"], request.get("by_kind")) == ("Is it still up?", "CASE-7", None)
    (row,) = json.loads(runner.invoke(app, ["questions", "--json"]).stdout)
    assert (row["asker"], row["partner"], row["answer"]) == ("operator", "Platform", None)
    assert runner.invoke(app, ["ask", "pay.example.com", "--question", "Is it up?"]).exit_code == 2
    card = ["ask", "shop.example.com", "--question", "Whose is 4111 1111 1111 1111?"]
    assert runner.invoke(app, card).exit_code == 2
