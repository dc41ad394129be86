"""``scamfeed iso20022``: the commands of docs/iso20022.md work as documented."""

import re
import shlex
from pathlib import Path

import pytest

from tests.integration.command import Run, answer
from tests.iso20022_messages import UETR, cancellation, resolution, transaction

PAGE = Path(__file__).parents[2] / "docs" / "iso20022.md"
LINES = re.findall(r"^scamfeed iso20022 .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    for name, institution in (("First Bank", "BKKBTHBK"), ("Second Bank", "KASITHBK")):
        add = ("partner", "add", name, "--kind", "bank", "--country", "TH", "--institution", institution)
        assert run_with_store(*add).exit_code == 0
    for folder in ("messages", "out"):
        (tmp_path / folder).mkdir()
    return run_with_store


def typed(hub: Run, line: str, *more: str) -> str:
    done = hub(*shlex.split(line)[1:], *more)
    assert done.exit_code == 0, f"{line}: {done.output}"
    return done.stdout


def test_documented_commands_work(hub: Run, tmp_path: Path) -> None:
    dry, real, write = LINES
    (tmp_path / "messages" / "a.xml").write_text(cancellation())
    (tmp_path / "messages" / "ignored.txt").write_text("no message")
    assert "Dry run: nothing was changed" in typed(hub, dry)
    assert answer(hub("request", "list", "--json")) == []
    assert "open" in typed(hub, real)
    [request] = answer(hub("request", "list", "--json"))
    typed(hub, write)
    plain = request["id"].replace("-", "")
    [written] = (tmp_path / "out").iterdir()
    assert written.name == f"camt.056.001.08-{plain}.xml"
    assert UETR in written.read_text()
    assert "there already" in typed(hub, write)
    # Reading again changes nothing; the responses are messages to the sender.
    assert answer(hub(*shlex.split(real)[1:], "--json"))["files"][0]["results"][0]["request"] == request["id"]
    (tmp_path / "b.xml").write_text(resolution("B-1", "RJCR", "AM04"))
    typed(hub, f"scamfeed iso20022 read {tmp_path / 'b.xml'} --partner 'Second Bank'")
    shown = hub("iso20022", "write", "--partner", "First Bank", "--output", "out", "--dry-run", "--json")
    (row,) = answer(shown)["messages"]
    assert (row["file"], row["result"]) == (f"camt.029.001.09-{plain}-1.xml", "would be written")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_written_request_reads_as_the_same_request(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "messages" / "a.xml").write_text(cancellation())
    typed(hub, LINES[1])
    typed(hub, LINES[2])
    (written,) = (tmp_path / "out").iterdir()
    shown = hub("iso20022", "read", str(written), "--partner", "First Bank", "--json")
    (row,) = answer(shown)["files"]
    assert row["not_carried"] == []
    before, after = sorted(answer(hub("request", "list", "--json")), key=lambda view: str(view["opened"]))
    for view in (before, after):
        for name in ("id", "opened", "changed", "steps", "chain"):
            view.pop(name)
    assert after == before


def test_refused_messages_end_with_status_2_and_name_rule_and_path(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "messages" / "a.xml").write_text(cancellation().replace("<Id>A-1</Id>", ""))
    (tmp_path / "messages" / "b.xml").write_text(cancellation("A-2", sender="GSBATHBK"))
    (tmp_path / "messages" / "c.xml").write_text(cancellation("A-3", transaction(info="<AddtlInf>now</AddtlInf>")))
    shown = hub("iso20022", "read", "messages", "--partner", "First Bank")
    assert shown.exit_code == 2
    for text in ("/Assgnmt/Id: at least 1 is required", "foreign-agent", "not carried", "CxlRsnInf/AddtlInf"):
        assert text in shown.stdout
    assert len(answer(hub("request", "list", "--json"))) == 1


def test_request_without_a_message_is_named(hub: Run) -> None:
    asked = ("--asks", "trace", "--reference", "C-1", "--amount", "5", "--currency", "THB", "--deadline", "4h")
    asked += ("--legal-basis", "statute")
    account = ("123-4-56789-0", "--kind", "bank-account", "--bank", "KBANK", "--country", "TH")
    assert hub("request", "open", *account, "--partner", "First Bank", *asked).exit_code == 0
    (row,) = answer(hub("iso20022", "write", "--partner", "Second Bank", "--output", "out", "--json"))["messages"]
    assert row["result"] == "not written: camt.056 asks for a return or a freeze"
