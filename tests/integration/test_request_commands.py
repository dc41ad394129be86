"""``scamfeed request``: the commands of docs/requests.md work as documented."""

import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from schemas import timestamp
from tests.integration.command import Run, answer

PAGE = Path(__file__).parents[2] / "docs" / "requests.md"
COMMANDS = [
    [line for line in block.splitlines() if line.startswith("scamfeed ")]
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    for name, *more in (("First Bank",), ("Second Bank", "--institution", "KASITHBK")):
        assert run_with_store("partner", "add", name, "--kind", "bank", "--country", "TH", *more).exit_code == 0
    return run_with_store


def typed(hub: Run, line: str, id_: str = "") -> str:
    words = [id_ if word == "ID" else word for word in shlex.split(line)[1:]]
    done = hub(*words)
    assert done.exit_code == 0, f"{line}: {done.output}"
    return done.stdout


def test_documented_commands_work(hub: Run) -> None:
    sending, answering, following = COMMANDS
    for line in sending:
        assert "C-2026-117" in typed(hub, line)
    [first] = answer(hub("request", "list", "--json"))
    assert (first["state"], first["addressee"]) == ("open", "keeper")
    for line in answering:
        typed(hub, line, first["id"])
    shown = answer(hub("request", "show", first["id"], "--json"))
    assert (shown["state"], shown["agreed"], shown["done"]) == ("done", "300000", "300000")
    typed(hub, sending[0].replace("C-2026-117", "C-2026-118"))
    second = answer(hub("request", "list", "--json", "--state", "open"))[0]
    for line in following:
        typed(hub, line, f"note--{second['id']}")
    hops = answer(hub("request", "list", "--json", "--unaddressed"))
    assert [(hop["amount"], hop["hop"], hop["chain"]) for hop in hops] == [("500000", 2, second["id"])]
    assert hub("partner", "add", "Next Bank", "--kind", "bank", "--country", "TH").exit_code == 0
    assert hub("request", "assign", hops[0]["id"], "--to", "Next Bank", "--by", "Operator").exit_code == 0
    assert len(answer(hub("request", "list", "--partner", "Next Bank", "--json"))) == 1
    waiting = answer(hub("status", "--json"))["requests"]
    assert (waiting["open"], waiting["unaddressed"], waiting["police_holds"]) == (1, 0, 0)
    assert "Requests between institutions" in hub("status").stdout


def test_errors_end_with_a_helpful_message(hub: Run) -> None:
    typed(hub, COMMANDS[0][0])
    [request] = answer(hub("request", "list", "--json"))
    refused = hub("request", "answer", request["id"], "--partner", "Second Bank", "--state", "done")
    assert refused.exit_code == 2
    assert "acknowledged, agreed, disagreed" in refused.stderr
    unknown = hub("request", "show", "00000000-0000-4000-8000-000000000000", "--partner", "First Bank")
    assert unknown.exit_code == 2
    assert hub("request", "list", "--partner", "Nobody").exit_code == 2


def test_a_file_of_requests_is_contributed_and_counted(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "requests.csv").write_text(
        "record,value,kind,bank,country,asks,reference,amount,currency,deadline,legal_basis\n"
        "request,123-4-56789-0,bank-account,KBANK,TH,Freeze,C-1,500,THB,2199-01-01,scheme rules\n"
        "request,1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,wallet,,,trace,C-2,0.5,BTC,{soon},statute\n".replace(
            "{soon}", "2198-01-01"
        ),
        encoding="utf-8",
    )
    done = answer(hub("contribute", "requests.csv", "--partner", "First Bank", "--json"))
    assert done["rejected"] == {"request-times": 2}
    text = (tmp_path / "requests.csv").read_text(encoding="utf-8")
    later = timestamp.text(timestamp.now() + timedelta(days=2))
    (tmp_path / "requests.csv").write_text(re.sub("219[89]-01-01", later, text), encoding="utf-8")
    done = answer(hub("contribute", "requests.csv", "--partner", "First Bank", "--json"))
    assert (done["mapped"], done["rejected"]) == (2, {})
    [mine] = answer(hub("request", "list", "--partner", "Second Bank", "--json"))
    assert (mine["asks"], mine["legal_basis"]) == ("freeze", "scheme-rules")
    (tmp_path / "answers.csv").write_text(
        f"record,request,state,amount,currency\nrequest-answer,{mine['id']},Agreed,200,THB\n", encoding="utf-8"
    )
    done = answer(hub("contribute", "answers.csv", "--partner", "Second Bank", "--json"))
    assert (done["mapped"], done["rejected"]) == (1, {})
    assert answer(hub("request", "show", mine["id"], "--json"))["agreed"] == "200"
