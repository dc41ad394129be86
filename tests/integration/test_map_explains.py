"""``scamfeed map --explain`` shows each value of a file with its line, the decision, and the words that decided."""

import json
from pathlib import Path

from tests.integration.command import Run

TEXT = (
    "Warning about a scam\n\nThe victim was called from 02-123-4567 and told to transfer the money to an account at "
    "Kasikornbank, 123-4-56789-0.\nIf it happened to you, text me at 081-234-5678 or call the police at 02-765-4321.\n"
)


def test_explain_names_the_line_the_decision_and_the_words(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "warning.txt"
    path.write_text(TEXT, encoding="utf-8")
    answer = json.loads(run("map", str(path), "--country", "TH", "--explain", "--json").stdout)
    found = {(one["value"], one["line"], one["decision"]): one["why"] for one in answer["decisions"]}
    assert found.keys() == {
        ("+6621234567", 3, "taken"),
        ("TH:KASITHBK:1234567890", 3, "taken"),
        ("081-234-5678", 4, "left"),
        ("02-765-4321", 4, "left"),
    }
    assert "called from" in found["+6621234567", 3, "taken"]
    assert "transfer the money to" in found["TH:KASITHBK:1234567890", 3, "taken"]
    assert "text me at" in found["081-234-5678", 4, "left"]
    assert answer["mapped"] == 2


def test_explain_shows_a_line_for_each_value_of_a_table(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "list.csv"
    path.write_text("domain\na.example.com\na.example.com\nnone\n", encoding="utf-8")
    shown = run("map", str(path), "--explain").stdout
    assert "line 2: taken domain a.example.com (its row or column states it)" in shown
    assert "line 3: duplicate" in shown
    assert "line 4: left" in shown
    assert "indicator" not in shown
