"""A bank's file of outcomes with totals produces the bank's own figures."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.program import app

REPORTS = "value\nhttps://shop.example.com/pay\nhttps://pay.example.com/login\n"
OUTCOMES = """record,of,outcome,count,victims,amount,currency,from,to,reference
outcome,url:https://shop.example.com/pay url:https://pay.example.com/login,declined,12,9,"1250000.25",THB,2026-05-01,2026-05-31,2026-05
outcome,url:https://shop.example.com/pay,warned,340,340,,,2026-05-01,2026-05-31,2026-05
outcome,url:https://shop.example.com/pay,held,1,1,5000,THB,2026-05-03,2026-05-03,case 7
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    (tmp_path / "reports.csv").write_text(REPORTS)
    (tmp_path / "outcomes.csv").write_text(OUTCOMES)
    for arguments in (
        ["init"],
        ["partner", "add", "Platform", "--kind", "platform", "--read", "takedown"],
        ["partner", "add", "First Bank", "--kind", "bank", "--country", "TH", "--read", "takedown"],
        ["contribute", "reports.csv", "--partner", "Platform", "--kind", "url", "--tlp", "green"],
    ):
        assert runner.invoke(app, arguments).exit_code == 0
    return runner


def test_repeated_file_of_totals_counts_once(hub: CliRunner) -> None:
    for _ in range(2):
        sent = hub.invoke(app, ["contribute", "outcomes.csv", "--partner", "First Bank", "--json"])
        assert sent.exit_code == 0, sent.output
        assert json.loads(sent.stdout)["rejected"] == {}
    shown = json.loads(hub.invoke(app, ["outcomes", "--partner", "First Bank", "--json"]).stdout)["totals"]
    assert [(row["outcome"], row["records"], row["count"], row["victims"], row["amount"]) for row in shown] == [
        ("declined", 1, 12, 9, "1250000.25"),
        ("held", 1, 1, 1, "5000"),
        ("warned", 1, 340, 340, None),
    ]
    printed = hub.invoke(app, ["outcomes", "--partner", "First Bank", "--csv"]).stdout
    rows = list(csv.DictReader(StringIO(printed)))
    assert [(row["day"], row["outcome"], row["amount"]) for row in rows] == [
        ("2026-05-03", "held", "5000"),
        ("2026-05-31", "declined", "1250000.25"),
        ("2026-05-31", "warned", ""),
    ]
    assert "Totals that First Bank stated" in hub.invoke(app, ["outcomes", "--partner", "First Bank"]).stdout
