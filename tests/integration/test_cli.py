"""The command line, command by command, as scripts use it."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from server.cli.program import app
from server.store import Store, audit, collections, log, migrations, read_progress
from server.store.item import Item
from server.store.objects.query import Query
from tests.integration.command import Run, answer

OUTCOMES = ("read", "mapped", "duplicates", "rejected")

REVISIONS = Path(migrations.__file__).parent / "versions"


@pytest.fixture(scope="module")
def hub_of_a_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of a hub with one bank once, and copy it for each test."""
    folder = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (["init"], ["partner", "add", "First Bank", "--kind", "bank", "--country", "th"]):
            assert CliRunner().invoke(app, command).exit_code == 0
    return folder


@pytest.fixture
def hub(run: Run, hub_of_a_bank: Path, tmp_path: Path) -> Run:
    shutil.copytree(hub_of_a_bank, tmp_path, dirs_exist_ok=True)
    return run


def test_every_command_has_help(run: Run) -> None:
    top = run("--help")
    assert top.exit_code == 0
    for command in ("demo", "init", "serve", "map", "contribute", "retract", "lookup", "status"):
        assert command in top.output
        assert run(command, "--help").exit_code == 0
    for group in ("partner", "collection", "feed"):
        assert run(group, "--help").exit_code == 0


def test_init_is_safe_to_repeat(run: Run) -> None:
    assert len(answer(run("init", "--json"))["collections_made"]) == 12
    assert answer(run("init", "--json"))["collections_made"] == []


def test_trends_are_granted_before_the_first_month_has_closed(run: Run) -> None:
    assert run("init").exit_code == 0
    added = run("partner", "add", "Ministry", "--kind", "government", "--country", "th", "--read", "trends", "--json")
    assert added.exit_code == 0, added.output
    assert "trends" in [row["alias"] for row in answer(run("collection", "list", "--json"))]


def test_init_keeps_an_operators_collection_named_trends(run: Run) -> None:
    assert run("init").exit_code == 0
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        tx.execute(text("UPDATE collections SET alias = 'ours', title = 'Trends' WHERE alias = 'trends'"))
    assert answer(run("init", "--json"))["collections_made"] == []


def test_missing_store_is_a_clear_error(run: Run) -> None:
    result = run("status")
    assert result.exit_code == 2
    assert "run: scamfeed init" in result.stderr
    assert not list(Path.cwd().iterdir())


def test_map_writes_objects_rejects_and_counts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("bad.example.com\nhxxp://BAD[.]example.com\nco.th\n", encoding="utf-8")
    counts = answer(run("map", "in.txt", "--kind", "domain", "--output", "o.jsonl", "--rejects", "r.jsonl", "--json"))
    assert {name: counts[name] for name in OUTCOMES} == {
        "read": 3,
        "mapped": 1,
        "duplicates": 1,
        "rejected": {"public-suffix": 1},
    }
    types = [json.loads(line)["type"] for line in (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()]
    assert types[-3:] == ["domain-name", "indicator", "relationship"]
    (reject,) = (json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines())
    assert reject.keys() == {"file", "line", "raw", "kind", "reason", "message"}
    assert (reject["file"], reject["line"], reject["raw"], reject["kind"]) == ("in.txt", 3, "co.th", "domain")


def test_map_is_the_same_each_time(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("bad.example.com\n", encoding="utf-8")
    for name in ("one.json", "two.json"):
        assert run("map", "in.txt", "--kind", "domain", "--output", name).exit_code == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_map_reads_standard_input_and_writes_standard_output(run: Run) -> None:
    result = run("map", "-", "--kind", "phone", "--country", "th", "--profile", "core", stdin="081 234 5678\n")
    assert result.exit_code == 0
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert objects[-1]["pattern"] == "[phone-number:value = '+66812345678']"
    assert "phone-number" not in {obj["type"] for obj in objects}


def test_unreadable_file_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{name}.example.com\n", encoding="utf-8")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04zzzz")
    result = run("map", "a.txt", "bad.zip", "b.txt", "--kind", "domain", "--output", "o.json", "--json")
    assert result.exit_code == 2
    assert "bad.zip: " in result.stderr
    assert json.loads(result.stdout)["mapped"] == 2
    objects = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))["objects"]
    assert sum(obj["type"] == "indicator" for obj in objects) == 2


def test_full_output_device_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a.example.com\n", encoding="utf-8")
    result = run("map", "a.txt", "--kind", "domain", "--output", "/dev/full")
    assert result.exit_code == 2
    assert "cannot be written: No space left on device" in result.stderr


def test_rejects_are_written_with_any_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"value": "\\ud800.com", "kind": "domain"}\n', encoding="utf-8")
    counts = answer(run("map", "in.jsonl", "--rejects", "r.jsonl", "--json"))
    assert counts["rejected"] == {"domain-form": 1}
    assert json.loads((tmp_path / "r.jsonl").read_text(encoding="utf-8"))["raw"] == "\ufffd.com"


def test_map_accepts_the_path_of_a_list_in_a_document(run: Run) -> None:
    document = '{"data": {"items": ["bad.example.com"]}, "more": ["x.example.com"]}'
    counts = answer(run("map", "-", "--kind", "domain", "--format", "json:data.items", "--json", stdin=document))
    assert counts["mapped"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("map", "missing.txt"), "missing.txt: no such file"),
        (("map", "-", "--kind", "horse"), "there is no such kind"),
        (("map", "-", "--format", "horse"), "there is no such format"),
        (("map", "-", "--scam-type", "Foo Bar"), "--scam-type Foo Bar: "),
        (("map", "-", "--country", "THAI"), "--country THAI: "),
        (("map", "-", "--output", "missing/o.json"), "missing/o.json: cannot be written"),
        (("map", "-", "--rejects", "missing/r.jsonl"), "missing/r.jsonl: cannot be written"),
        (("contribute", "-", "--partner", "First Bank", "--rejects", "missing/r"), "missing/r: cannot be written"),
        (("map", "picture.png"), "picture.png: "),
        (("contribute", "-", "--partner", "Nobody"), "there is no partner"),
        (("partner", "add", "A:B", "--kind", "bank"), "name: "),
        (("partner", "add", "First Bank", "--kind", "bank"), "already registered"),
        (("partner", "add", "scamfeed ", "--kind", "bank"), "name: Scamfeed is reserved"),
        (("partner", "add", "First\u202eBank", "--kind", "bank"), "name: "),
        (("partner", "grant", "First Bank", "--read", "inbox"), "an inbox has no readers"),
        (("partner", "add", "Other", "--kind", "bank", "--read", "nothing"), "there is no collection"),
        (("partner", "grant", "Nobody", "--read", "public"), "there is no partner"),
        (("partner", "revoke", "First Bank", "nothing"), "there is no collection"),
        (("partner", "rotate", "Nobody"), "there is no partner"),
        (("partner", "certificate", "Nobody", "ab" * 32), "there is no partner"),
        (("partner", "certificate", "First Bank", "abc"), "ertificate"),
        (("collection", "add", "for-first-bank", "--title", "Room"), "a private collection"),
        (("collection", "add", "room-full", "--title", "Room"), "without -full"),
        (("collection", "add", "public", "--title", "X", "--exchange"), "is taken"),
        (("feed", "run", "nothing"), "there is no feed"),
        (("feed", "schedule"), "no [[feed]] table"),
        (("retract", "no such value", "--reason", "x"), "no kind takes this value"),
        (("status", "--config", "missing.toml"), "missing.toml: cannot be read"),
        (("serve", "--tls-cert", "picture.png"), "go together"),
    ],
)
def test_usage_error_is_reported_with_status_2(hub: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "picture.png").write_bytes(bytes(range(32)) * 100)
    result = hub(*arguments, stdin="")
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_partner_without_a_possible_grant_is_not_registered(hub: Run) -> None:
    assert hub("partner", "add", "Other", "--kind", "bank", "--read", "nothing").exit_code == 2
    assert [row["partner"] for row in answer(hub("partner", "list", "--json"))] == ["First Bank"]


def test_credentials_are_shown_once_and_rotate(hub: Run) -> None:
    made = answer(hub("partner", "add", "Other", "--kind", "platform", "--read", "takedown", "--json"))
    assert made.keys() >= {"partner", "identity", "user", "password", "token"}
    rotated = answer(hub("partner", "rotate", "Other", "--now", "--json"))
    assert rotated["identity"] == made["identity"]
    assert rotated["password"] != made["password"]
    listed = hub("partner", "list", "--json").stdout
    assert not any(secret in listed for secret in (rotated["password"], rotated["token"]))


def test_a_certificate_is_set_by_its_fingerprint(hub: Run) -> None:
    fingerprint = "ab" * 32
    assert answer(hub("partner", "certificate", "First Bank", fingerprint, "--json"))["fingerprint"] == fingerprint


def test_grants_are_added_and_revoked(hub: Run) -> None:
    assert hub("partner", "grant", "First Bank", "--read", "mule-accounts", "--write", "inbox").exit_code == 0
    assert answer(hub("partner", "list", "--json"))[0]["reads"] == ["mule-accounts"]
    assert hub("partner", "revoke", "First Bank", "mule-accounts").exit_code == 0
    row = answer(hub("partner", "list", "--json"))[0]
    assert (row["reads"], row["writes"]) == ([], ["inbox"])


def test_room_is_created_and_listed(hub: Run) -> None:
    made = answer(hub("collection", "add", "room", "--title", "Task force", "--exchange", "--json"))
    assert made["url"] == f"/feed/collections/{made['id']}/"
    assert "room" in {row["alias"] for row in answer(hub("collection", "list", "--json"))}


def test_contribution_is_found_counted_and_retracted(hub: Run) -> None:
    rows = "bad.example.com\nco.th\nbad.example.com\n"
    counts = answer(hub("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--json", stdin=rows))
    assert {name: counts[name] for name in OUTCOMES} == {
        "read": 3,
        "mapped": 1,
        "duplicates": 1,
        "rejected": {"public-suffix": 1},
    }
    (known,) = answer(hub("lookup", "BAD[.]example.com", "--json"))
    assert known["kind"] == "domain"
    assert [(each["reporter"], each["active"]) for each in known["indicators"]] == [("First Bank", True)]
    status = answer(hub("status", "--json"))
    assert next(row for row in status["collections"] if row["alias"] == "takedown")["objects"] > 0
    (explained,) = answer(hub("explain", "bad.example.com", "--json"))
    assert (explained["result"], explained["published"][0]["collection"]) == ("published", "takedown")
    assert "takedown" in hub("explain", "bad.example.com").stdout
    assert hub("explain", "never.example.com").exit_code == 2
    done = answer(hub("retract", "bad.example.com", "--reason", "false-positive", "--json"))
    assert [each["partner"] for each in done["retracted"]] == ["First Bank"]
    (known,) = answer(hub("lookup", "bad.example.com", "--json"))
    assert [each["active"] for each in known["indicators"]] == [False]
    assert answer(hub("retract", "bad.example.com", "--reason", "again", "--json"))["retracted"] == []


def test_contribution_includes_the_kind_of_the_partner(hub: Run) -> None:
    assert hub("contribute", "-", "--partner", "First Bank", "--kind", "domain", stdin="a.example.com\n").exit_code == 0
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        bodies = map(json.loads, log.page(tx, collections.get(tx, "inbox"), Query()).bodies)
        (who,) = (body for body in bodies if body["type"] == "identity" and body["name"] == "First Bank")
    assert who["sectors"] == ["financial-services"]


def test_result_of_a_row_is_one_of_four_words(hub: Run, tmp_path: Path) -> None:
    def contributed(text: str, *more: str) -> dict[str, Any]:
        words = ("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--json", "--rejects", "r.jsonl")
        return cast(dict[str, Any], answer(hub(*words, *more, stdin=text)))

    def rejects() -> list[tuple[str, str]]:
        lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
        return [(said["result"], said["reason"]) for said in map(json.loads, lines)]

    alone = "TLP:RED is published only for partners that the object names, and it names none: add only_partners"
    # The same row again gives the same result.
    for _ in range(2):
        counts = contributed("a.example.com\n", "--tlp", "red")
        assert {name: counts[name] for name in OUTCOMES} == {"read": 1, "mapped": 1, "duplicates": 0, "rejected": {}}
        assert counts["results"] == {
            "published": 0,
            "held for review": {},
            "kept, not published": {alone: 1},
            "refused": {},
        }
        assert rejects() == [("kept, not published", "kept, not published")]
    for _ in range(2):
        results = contributed("google.com\nb.example.com\nno domain\n")["results"]
        assert results["published"] == 1
        assert [*results["held for review"].values()] == [1]
        assert results["kept, not published"] == {}
        assert [*results["refused"].values()] == [1]
        assert sorted(result for result, _ in rejects()) == ["held for review", "refused"]
    shown = hub("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--tlp", "red", stdin="a.example.com")
    assert f"kept, not published: {alone}" in shown.stdout
    assert shown.stderr == ""


def test_first_refused_rows_are_named_without_their_content(hub: Run) -> None:
    def contributed(*more: str) -> Any:
        text = "a.example.com\n" + "no\x1b domain\n" * 12 + "co.th\n"
        return hub("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--json", *more, stdin=text)

    result = contributed()
    assert result.exit_code == 0
    *rows, last = result.stderr.splitlines()
    assert [row.partition(" (domain): domain-form: not a domain name")[0] for row in rows] == [
        f"refused: -, line {line}" for line in range(2, 12)
    ]
    assert last.startswith("3 more values are refused; --rejects FILE")
    assert "no domain" not in result.stderr.replace("\x1b", "")
    assert "\x1b" not in result.stderr
    strict = contributed("--strict", "--rejects", "r.jsonl")
    assert (strict.exit_code, strict.stderr, strict.stdout) == (1, "", result.stdout)


def test_a_feed_of_the_configuration_runs_once(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.txt").write_text("bad.example.com\n", encoding="utf-8")
    (tmp_path / "scamfeed.toml").write_text(
        '[[feed]]\nname = "drop"\nconnector = "file-pull"\nevery = "5m"\npath = "drop"\ncontribute_as = "First Bank"\n',
        encoding="utf-8",
    )
    assert answer(hub("feed", "list", "--json"))[0]["last_run"] is None
    assert answer(hub("feed", "run", "drop", "--dry-run", "--json"))["accepted"] == 1
    assert answer(hub("lookup", "bad.example.com", "--json"))[0]["indicators"] == []
    assert answer(hub("feed", "run", "drop", "--json"))["accepted"] == 1
    assert answer(hub("feed", "run", "drop", "--json"))["read"] == 0
    assert answer(hub("feed", "list", "--json"))[0]["last_run"] is not None


def test_run_reports_unread_columns_and_held_rows(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    table = "domain,remarks,confidence\nbad.example.com,x,80\ngoogle.com,y,maybe\nco.th,,\n"
    (tmp_path / "drop" / "a.csv").write_text(table, encoding="utf-8")
    (tmp_path / "scamfeed.toml").write_text(
        'timezone = "Asia/Bangkok"\n[[feed]]\nname = "drop"\nconnector = "file-pull"\npath = "drop"\n'
        'contribute_as = "First Bank"\ntlp = "green"\n',
        encoding="utf-8",
    )
    unread = {"columns": {"remarks": 2}, "cells": {"confidence: word-unknown": 1}}
    told = answer(hub("feed", "run", "drop", "--rejects", "r.jsonl", "--json"))
    assert (told["unread"], told["timezone"], told["rows"]) == (unread, "Asia/Bangkok", 3)
    rejects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(each["file"], each["line"], each["raw"], each["kind"]) for each in rejects} == {
        ("a.csv", 3, "google.com", "domain"),
        ("a.csv", 4, "co.th", "domain"),
    }
    assert sum(told["reasons"].values()) == len(rejects)
    assert answer(hub("feed", "list", "--json"))[0]["unread"] == {**unread, "rows": told["reasons"]}


def test_times_use_the_named_zone_and_the_output_shows_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("domain,date\nbad.example.com,2026-01-02\n", encoding="utf-8")
    told = answer(run("map", "in.csv", "--timezone", "Asia/Bangkok", "--output", "o.jsonl", "--json"))
    assert told["timezone"] == "Asia/Bangkok"
    assert '"created":"2026-01-01T17:00:00.000Z"' in (tmp_path / "o.jsonl").read_text(encoding="utf-8")
    assert answer(run("map", "in.csv", "--json"))["timezone"] == "UTC"
    assert "of: UTC" in run("map", "in.csv", "--output", "o.jsonl").stdout
    wrong = run("map", "in.csv", "--timezone", "Asia/Nowhere")
    assert (wrong.exit_code, "no time zone" in wrong.stderr) == (2, True)


def test_wrong_key_of_a_feed_is_named(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "scamfeed.toml").write_text(
        '[[feed]]\nname = "drop"\nconnector = "file-pull"\nevery = "5m"\npaht = "drop"\ncontribute_as = "First Bank"\n',
        encoding="utf-8",
    )
    result = hub("feed", "list")
    assert result.exit_code == 2
    assert "paht" in result.stderr


def test_status_shows_the_last_writer_and_lagging_readers(hub: Run) -> None:
    room = answer(hub("collection", "add", "room", "--title", "Room", "--exchange", "--json"))["id"]
    item = Item.of({"type": "url", "id": "url--11111111-1111-4111-8111-111111111111", "value": "x"})
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        done = log.append(tx, collections.get(tx, "room"), [item])
        audit.record_act(
            tx, "192.0.2.1", "POST", "objects", partner="First Bank", collection=room, status=202, objects=1, chain=room
        )
        assert done.last is not None
        read_progress.record_reads(tx, [("First Bank", room, done.last - 2_500_000)])
    status = answer(hub("status", "--json"))
    assert status["store"] == "sqlite:///scamfeed.db"
    assert status["schema"] == max(path.name[:4] for path in REVISIONS.glob("0*.py"))
    assert status["partners"] == 1
    [said] = [row for row in status["collections"] if row["alias"] == "room"]
    assert said["last_write"].pop("at") >= said["last_added"][:19]
    assert said["last_write"] == {"partner": "First Bank", "method": "POST", "objects": 1}
    assert [row["last_write"] for row in status["collections"] if row["alias"] != "room"] == [None] * 12
    [lag] = status["lags"]
    assert (lag["partner"], lag["collection"], lag["seconds"]) == ("First Bank", "room", 2.5)
    shown = hub("status").stdout
    assert "seconds behind" in shown
    assert "First Bank" in shown


def test_status_explains_how_to_upgrade_older_tables(hub: Run) -> None:
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.begin() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    result = hub("status", "--json")
    assert result.exit_code == 2
    assert "has revision 0004" in result.stderr
    assert "run: scamfeed init" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_every_command_prints_a_table_or_json(hub: Run, arguments: tuple[str, ...]) -> None:
    for command in (
        ("status",),
        ("partner", "list"),
        ("collection", "list"),
        ("feed", "list"),
        ("lookup", "a.example.com"),
    ):
        result = hub(*command, *arguments)
        assert result.exit_code == 0
        assert result.stdout
        if arguments:
            json.loads(result.stdout)
