"""``scamfeed contribute --server``: files of a partner's machine at a hub elsewhere, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import requests
from click.testing import Result

from feeds.transport.connections import folder_url
from server.store import Store, collections, log
from server.store.objects.query import ALL
from tests.integration import peers
from tests.integration.command import Run, answer

_TABLE = (
    "account_number,bank,country,phone,scam_type,victim name\n"
    "123-4-56789-0,KBANK,TH,+66812345678,merchandise,Somchai\n"
    "123-4-56789-0,KBANK,TH,,merchandise,\n"
    "12,KBANK,TH,,,\n"
)


@pytest.fixture
def store(run_with_store: Run, tmp_path: Path) -> Path:
    """A store with a bank, whose token is in a file."""
    run_with_store("init")
    added = answer(
        run_with_store("partner", "add", "First Bank", "--kind", "bank", "--read", "mule-accounts", "--json")
    )
    (tmp_path / "token").write_text(added["token"])
    (tmp_path / "found.csv").write_text(_TABLE)
    return tmp_path / "scamfeed.db"


@pytest.fixture
def address(store: Path, tmp_path: Path) -> Iterator[str]:
    with peers.scamfeed(f"sqlite:///{store}", tmp_path / "serve.log") as found:
        yield found


def _stored(store: Path) -> list[tuple[str, str]]:
    """Return id and version of all objects in the inbox."""
    with closing(Store.open(f"sqlite:///{store}")) as opened, opened.read() as tx:
        bodies = log.page(tx, collections.get(tx, "inbox"), ALL).bodies
    objects = [orjson.loads(body) for body in bodies]
    return sorted((obj["id"], obj.get("modified", "")) for obj in objects)


def _send(run: Run, address: str, *more: str) -> Result:
    return run("contribute", "found.csv", "--server", address, "--token-file", "token", "--allow-private", *more)


def test_a_file_arrives_with_the_outcome_of_each_row(run: Run, store: Path, address: str) -> None:
    counts = answer(_send(run, address, "--json", "--tlp", "green"))
    assert (counts["read"], counts["duplicates"], counts["rejected"]) == (4, 1, {"account-form": 1})
    assert counts["results"]["published"] + sum(counts["results"]["held for review"].values()) == 2
    assert "victim name" in counts["unread"]["columns"]
    found = answer(run("lookup", "KBANK 123-4-56789-0", "--json"))
    assert "1234567890" in json.dumps(found)


def test_the_values_of_a_row_stay_one_case(run: Run, store: Path, address: str) -> None:
    answer(_send(run, address, "--json"))
    assert any(id_.startswith("grouping--") for id_, _ in _stored(store))


def test_the_same_file_again_changes_nothing(run: Run, store: Path, address: str) -> None:
    first = answer(_send(run, address, "--json"))
    before = _stored(store)
    assert answer(_send(run, address, "--json"))["results"] == first["results"]
    assert _stored(store) == before


def test_a_dry_run_shows_the_rows_and_reaches_no_server(run: Run, store: Path) -> None:
    done = _send(run, "http://127.0.0.1:9", "--dry-run", "--json")
    shown = answer(done)
    assert shown["dry_run"]
    assert [row["result"] for row in shown["preview"]] == ["ready", "ready", "duplicate", "refused"]
    assert shown["preview"][0]["columns"]["scam_type"] == "merchandise"
    assert "Somchai" not in done.output
    people = _send(run, "http://127.0.0.1:9", "--dry-run").output
    assert "Dry run: nothing was sent or stored" in people
    assert "TH:KASITHBK:1234567890" in people


def test_a_dry_run_at_the_hub_stores_nothing(run: Run, store: Path) -> None:
    shown = answer(run("contribute", "found.csv", "--partner", "First Bank", "--dry-run", "--json"))
    assert [row["result"] for row in shown["preview"]] == ["ready", "ready", "duplicate", "refused"]
    assert "results" not in shown
    assert _stored(store) == []


def test_records_may_name_a_value_which_the_hub_resolves(run: Run, store: Path, address: str, tmp_path: Path) -> None:
    answer(_send(run, address, "--json", "--tlp", "green"))
    (tmp_path / "outcomes.csv").write_text(
        "record,kind,value,bank,country,outcome\noutcome,bank-account,1234567890,KBANK,TH,held\n"
        "outcome,domain,never.example.com,,,blocked\n"
    )
    options = ("--server", address, "--token-file", "token", "--allow-private", "--json", "--rejects", "refused.jsonl")
    counts = answer(run("contribute", "outcomes.csv", *options))
    assert (counts["mapped"], counts["rejected"]) == (1, {"indicator-unknown": 1})
    refused = orjson.loads((tmp_path / "refused.jsonl").read_bytes())
    assert (refused["line"], refused["file"]) == (3, "outcomes.csv")


def test_output_of_map_may_be_posted_to_the_inbox(run: Run, store: Path, address: str, tmp_path: Path) -> None:
    run("map", "found.csv", "--reporter", "First Bank", "--output", "found.json", "--tlp", "green")
    media_type = "application/taxii+json;version=2.1"
    token = (tmp_path / "token").read_text()
    answered = requests.post(
        f"{folder_url(address)}feed/collections/inbox/objects/",
        data=(tmp_path / "found.json").read_bytes(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": media_type, "Accept": media_type},
        timeout=60,
    )
    assert answered.status_code == 202
    status = answered.json()
    assert status["failure_count"] == 0, status
    assert status["success_count"] >= 2
    # The same rows, sent as a file, are the same objects.
    before = _stored(store)
    counts = answer(_send(run, address, "--json", "--tlp", "green"))
    assert counts["rejected"] == {"account-form": 1}
    assert _stored(store) == before


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (("--token-file", "wrong"), 2, "refuses these credentials"),
        (("--ca-file", "missing.pem"), 2, "ca_file"),
        (("--partner", "First Bank"), 2, "give either"),
        (("--kind", "planet"), 2, "there is no such kind"),
    ],
)
def test_wrong_options_end_the_command(
    run: Run, store: Path, address: str, tmp_path: Path, more: tuple[str, ...], status: int, said: str
) -> None:
    (tmp_path / "wrong").write_text("not-the-token")
    done = _send(run, address, *more)
    assert done.exit_code == status
    assert said in done.output + done.stderr


def test_http_to_another_machine_is_refused(run: Run, store: Path) -> None:
    done = _send(run, "http://hub.example")
    assert done.exit_code == 2
    assert "--server" in done.stderr
