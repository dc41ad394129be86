"""Custom column names from a user's file."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feeds import formats
from feeds.readers.columns.word_tables import BadCustomNames, read_custom_names, use_custom_names
from feeds.readers.rows import Row
from server.cli.program import app

TABLE = b"Namba,Njia,Tarehe,Barua Mwathirika\n+66812345678,kazi bandia,2026-01-01,someone@example.com\n"
OWN = """
[columns]
phone = ["NAMBA"]
scam_type = ["Njia"]
first_seen = ["tarehe"]
ignore = ["barua mwathirika"]
[scam_types]
employment-task = ["Kazi Bandia"]
"""


def fields(data: bytes) -> list[dict[str, str]]:
    return [dict(row.fields) for row in formats.read(BytesIO(data), format="csv") if isinstance(row, Row)]


def test_custom_names_apply_only_while_configured(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    with use_custom_names(read_custom_names(tmp_path / "own.toml")):
        assert fields(TABLE) == [
            {"value": "+66812345678", "kind": "phone", "scam_type": "employment-task", "first_seen": "2026-01-01"}
        ]
    assert fields(TABLE) == []


def test_custom_names_have_priority(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[columns]\nignore = ["domain"]\nvalue = ["link"]\n', encoding="utf-8")
    table = b"domain,link\nbank.example.org,a.example.com\n"
    assert fields(table) == [
        {"value": "bank.example.org", "kind": "domain"},
        {"value": "a.example.com", "kind": "domain"},
    ]
    with use_custom_names(read_custom_names(tmp_path / "own.toml")):
        assert fields(table) == [{"value": "a.example.com"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns", "not TOML"),
        ('[colums]\nvalue = ["x"]', "colums: the only tables are columns, kinds"),
        ('[columns]\nvictim = ["x"]', "columns.victim: there are .*value"),
        ('[columns]\nreporter = ["x"]', "columns.reporter"),
        ('[kinds]\nshop = ["x"]', "kinds.shop: there are .*domain"),
        ('[tlp]\nblue = ["x"]', "tlp.blue: there are .*amber"),
        ('[columns]\nvalue = "x"', 'value = \\["one", "another"\\]'),
    ],
)
def test_mistake_is_named_with_a_correction(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadCustomNames, match=message):
        read_custom_names(tmp_path / "own.toml")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCustomNames, match=r"none\.toml: cannot be read"):
        read_custom_names(tmp_path / "none.toml")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_command_accepts_a_file_of_names(tmp_path: Path, jobs: str) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "table.csv").write_bytes(TABLE)
    table, own = str(tmp_path / "table.csv"), str(tmp_path / "own.toml")
    result = CliRunner().invoke(app, ["map", table, "--columns", own, "--jobs", jobs, "--json"])
    assert json.loads(result.stdout)["mapped"] == 1
    wrong = CliRunner().invoke(app, ["map", table, "--columns", str(tmp_path / "none.toml")])
    assert (wrong.exit_code, "none.toml: cannot be read" in wrong.stderr) == (2, True)
