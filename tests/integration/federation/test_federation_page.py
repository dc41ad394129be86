"""The set-up of two hubs in docs/federation.md, with its commands and settings as printed."""

import re
import shlex
import shutil
import time
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import orjson
import pytest
from click.testing import Result
from sqlalchemy import update

from mappers import ids
from server.store import Store
from server.store.release_tables import hub_identity
from tests.integration.command import Run, answer
from tests.integration.peers import answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub

TEXT = (Path(__file__).parents[3] / "docs" / "federation.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (at [a-z A-Z]+) -->\n *```(sh|toml)\n(.*?)```", re.DOTALL)
BLOCKS = [(where, form, dedent(text)) for where, form, text in BLOCK.findall(TEXT)]
SETTINGS = (
    'public_url = "https://{host}"\ndatabase_url = "sqlite:///{folder}/scamfeed.db"\nledger_key_file = "{folder}/key"\n'
)


class Page:
    """Runs the commands of the page one after another, in the folder of a hub."""

    def __init__(self, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._run, self.folder, self._patch = run, folder, monkeypatch
        self.left = [
            (where, line) for where, form, text in BLOCKS if form == "sh" for line in text.splitlines() if line
        ]

    def at(self, hub: str, *words: str) -> Result:
        """Run a command at a hub that is not on the page."""
        self._patch.chdir(self.folder / hub)
        return self._run(*words)

    def next(self, hub: str, *more: str) -> Result:
        """Run the next command of the page at a hub."""
        _, line = self.left[0] if hub == "kh" else self.left.pop(0)
        program, *words = shlex.split(line)
        assert program == "scamfeed"
        result = self.at(hub, *words, *more)
        assert result.exit_code == 0, (line, result.output)
        return result


@pytest.mark.long
def test_two_hubs_are_set_up_as_the_page_says(
    run: Run, initial_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, port = Page(run, tmp_path, monkeypatch), free_port()
    for name, host in (("th", "hub.example.th"), ("kh", "hub.example.kh")):
        (tmp_path / name).mkdir()
        shutil.copy(initial_store, tmp_path / name / "scamfeed.db")
        (tmp_path / name / "scamfeed.toml").write_text(SETTINGS.format(host=host, folder=tmp_path / name))
        assert page.at(name, "init").exit_code == 0
        assert page.at(name, "partner", "add", "First Bank", "--kind", "bank", "--vouched").exit_code == 0
    # The two stores are copies of one.
    rename(tmp_path / "kh" / "scamfeed.db")
    keys = {hub: orjson.loads(page.next(hub, "--json").stdout)["keys"][0]["key"] for hub in ("kh", "th")}
    assert keys["kh"].startswith("hub.example.kh/log+")
    page.next("th", "--json")
    told = answer(page.at("kh", "partner", "add", "Hub Thailand", "--kind", "government", "--peer", "--json"))
    token = tmp_path / "hub-kh"
    token.write_text(told["token"])
    token.chmod(0o600)
    [table] = [text for _, form, text in BLOCKS if form == "toml"]
    [printed] = re.findall(r"hub\.example\.kh/log\+\S+(?=\")", table)
    table = table.replace(printed, keys["kh"]).replace("/run/secrets/hub-kh", str(token))
    table = table.replace("https://hub.example.kh/", f"http://127.0.0.1:{port}/") + "allow_private = true\n"
    with (tmp_path / "th" / "scamfeed.toml").open("a") as settings:
        settings.write(table)
    thailand = {"name": "Hub Thailand", "key": keys["th"], "countries": ["TH"]}
    toml = "".join(f"{name} = {orjson.dumps(value).decode()}\n" for name, value in thailand.items())
    with (tmp_path / "kh" / "scamfeed.toml").open("a") as settings:
        settings.write(f"[[peer]]\n{toml}")
    (tmp_path / "kh" / "report.csv").write_text("value,kind,tlp\nbad-shop-for-two-hubs.com,domain,green\n")
    assert page.at("kh", "contribute", "report.csv", "--partner", "First Bank").exit_code == 0
    served = {
        "database_url": f"sqlite:///{tmp_path}/kh/scamfeed.db",
        "public_url": "https://hub.example.kh",
        "ledger_key_file": tmp_path / "kh" / "key",
        "peer": [thailand],
    }
    with answering(Forked(serve_hub, served, port, 1, 4, log=tmp_path / "log"), port, tmp_path / "log"):
        # The server publishes within seconds; the page's command reads what is there.
        feed, deadline = page.left[0], time.monotonic() + 60
        page.next("th")
        while not (reports := orjson.loads(page.at("th", "peer", "list", "--json").stdout)[0]["reports"]):
            assert time.monotonic() < deadline, page.at("th", "peer", "list").output
            time.sleep(0.5)
            page.left.insert(0, feed)
            page.next("th")
        assert reports == 1
        assert "Hub Cambodia" in page.next("th").stdout
        [found] = answer(page.at("th", "lookup", "bad-shop-for-two-hubs.com", "--json"))
        assert any(listing["active"] for listing in found["listings"])
        page.next("th")
        assert page.at("kh", "partner", "register", "First Bank", "LEI:5493001KJTIIGC8Y1R12").exit_code == 0
        assert "First Bank" in page.next("th").stdout
        secret = tmp_path / "th" / "first-bank.secret"
        secret.write_text("5c" * 32)
        secret.chmod(0o600)
        page.next("th")
        assert page.at("kh", "partner", "link", "First Bank", "--secret-file", str(secret)).exit_code == 0
        overlap = answer(page.at("th", "peer", "overlap", "Hub Cambodia", "--json"))
        assert [each["linked"] for each in overlap["common"]] == [True]
        page.next("th")
    assert not page.left


def rename(file: Path) -> None:
    """Give a copied store another identity and secret."""
    with closing(Store.open(f"sqlite:///{file}")) as store, store.begin() as tx:
        tx.execute(
            update(hub_identity).values(identity=ids.identity("hub kh"), secret=b"another secret of 32 bytes......")
        )
