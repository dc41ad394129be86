"""``scamfeed map --profile misp`` writes events that read back as the same values."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from feeds.mapping import output as output_module
from server.cli.program import app

REPORTED = 1_767_225_600
OUTCOMES = ("read", "mapped", "duplicates", "rejected")

ROWS = (
    "kind,value,tlp,scam_type\n"
    "domain,a.example.com,green,investment\n"
    "domain,b.example.com,red,\n"
    "domain,a.example.com,green,\n"
    "bank-account,TH:KASITHBK:1234567890,green,\n"
    "app,ios:com.example.app,green,\n"
)


def mapped(folder: Path, name: str, *options: str) -> tuple[dict[str, Any], bytes]:
    source, output = folder / "rows.csv", folder / name
    source.write_text(ROWS, encoding="utf-8")
    os.utime(source, (REPORTED, REPORTED))  # rows without a time get the file's modification time
    command = ["map", str(source), "--profile", "misp", "--reporter", "Example Bank", "--output", str(output), "--json"]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 0, done.output
    return orjson.loads(done.stdout), output.read_bytes()


def test_each_tlp_level_has_one_event_and_kinds_without_a_misp_type_are_rejected(tmp_path: Path) -> None:
    counts, written = mapped(tmp_path, "events.json", "--rejects", str(tmp_path / "rejects.jsonl"))
    assert {name: counts[name] for name in OUTCOMES} == {
        "read": 5,
        "mapped": 3,
        "duplicates": 1,
        "rejected": {"not-in-format": 1},
    }
    events = [entry["Event"] for entry in orjson.loads(written)["response"]]
    assert [(event["Tag"], len(event["Attribute"]), len(event["Object"])) for event in events] == [
        ([{"name": "tlp:green"}], 1, 1),
        ([{"name": "tlp:red"}], 1, 0),
    ]
    (reject,) = map(orjson.loads, (tmp_path / "rejects.jsonl").read_bytes().splitlines())
    assert (reject["line"], reject["kind"], reject["reason"]) == (6, "app", "not-in-format")


def test_other_files_have_one_event_per_line(tmp_path: Path) -> None:
    _, written = mapped(tmp_path, "events.jsonl")
    assert [orjson.loads(line).keys() for line in written.splitlines()] == [{"Event"}, {"Event"}]


def test_several_processes_write_the_same_output(tmp_path: Path) -> None:
    assert mapped(tmp_path, "one.json") == mapped(tmp_path, "two.json", "--jobs", "2")


def test_large_event_continues_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "_LARGEST", 1)
    _, written = mapped(tmp_path, "events.jsonl")
    uuids = [orjson.loads(line)["Event"]["uuid"] for line in written.splitlines()]
    assert len(set(uuids)) == len(uuids) == 3


@pytest.mark.parametrize(("name", "whole"), [("none.json", b'{"response":[]}\n'), ("none.jsonl", b"")])
def test_document_without_events_is_valid(tmp_path: Path, name: str, whole: bytes) -> None:
    (tmp_path / "rows.csv").write_text("kind,value\n", encoding="utf-8")
    command = [
        "map",
        str(tmp_path / "rows.csv"),
        "--format",
        "csv",
        "--profile",
        "misp",
        "--output",
        str(tmp_path / name),
    ]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (tmp_path / name).read_bytes() == whole


@pytest.mark.parametrize("name", ["events.json", "events.jsonl"])
def test_written_events_read_back_as_the_same_values(tmp_path: Path, name: str) -> None:
    mapped(tmp_path, name)
    back = tmp_path / "back.jsonl"
    done = CliRunner().invoke(app, ["map", str(tmp_path / name), "--profile", "core", "--output", str(back), "--json"])
    counts = orjson.loads(done.stdout)
    assert {name: counts[name] for name in OUTCOMES} == {"read": 3, "mapped": 3, "duplicates": 0, "rejected": {}}
    patterns = {obj["pattern"] for obj in map(orjson.loads, back.read_bytes().splitlines()) if "pattern" in obj}
    assert patterns == {
        "[domain-name:value = 'a.example.com']",
        "[domain-name:value = 'b.example.com']",
        "[bank-account:account_number = '1234567890' AND bank-account:bic = 'KASITHBK']",
    }


def test_records_are_not_for_misp(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("value\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["map", str(tmp_path / "rows.csv"), "--profile", "misp", "--record", "sighting"])
    assert done.exit_code == 2
    assert "records are not written for MISP" in done.output
