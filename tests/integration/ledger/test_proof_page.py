"""The commands of docs/proof.md work as documented, for a partner and for the hub."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.program import app
from tests.integration.ledger.conftest import SealedScamfeed

ROOT = Path(__file__).parents[3]
ADDRESS = "https://feed.example.org/"


def commands(heading: str) -> list[str]:
    """Return the lines of the code block below a heading of the page."""
    text = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    found = re.search(rf"^### {heading}$.*?```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def type_(line: str, folder: Path, variables: dict[str, str]) -> str:
    """Run a line in a folder and return its output. The project's own commands run in this process."""
    for name, text in variables.items():
        line = line.replace(f"${name}", text)
    words = shlex.split(line)
    if words[0] != "scamfeed":
        line = line.replace("python3", sys.executable, 1)
        done = subprocess.run(["/bin/sh", "-e", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, line + done.stdout + done.stderr
        return done.stdout
    words, target = (words[:-2], words[-1]) if words[-2] == ">" else (words, "")
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, line + result.output
    if target:
        (folder / target).write_text(result.stdout)
    return result.stdout


def test_partner_proves_its_reads(sealed: SealedScamfeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed.report("shop.example.com")
    indicator = next(obj for obj in sealed.objects() if obj["type"] == "indicator")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCAMFEED_TOKEN", sealed.tokens["reader"])
    shutil.copy(ROOT / "schemas" / "tlog" / "verify.py", tmp_path)
    variables = {"HUB_KEY": str(sealed.key), "ID": indicator["id"], "SCAMFEED_TOKEN": sealed.tokens["reader"]}
    local = f"--server {sealed.url} --allow-private"
    lines = [line.replace(f"--server {ADDRESS}", local).replace(ADDRESS, sealed.url) for line in commands("A partner")]
    *_, proven = [type_(line, tmp_path, variables) for line in lines]
    assert f"PROVEN: {indicator['id']}" in proven


def test_hub_proves_its_acts(sealed: SealedScamfeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed.report("shop.example.com")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCAMFEED_DATABASE_URL", f"sqlite:///{sealed.folder / 'hub.db'}")
    monkeypatch.setenv("SCAMFEED_LEDGER_KEY_FILE", str(sealed.folder / "ledger.key"))
    first, *printed, signed = [type_(line, tmp_path, {}) for line in commands("The hub")]
    assert str(sealed.key) in first.replace("\n", "")
    assert first.index(str(sealed.key)[:20]) < first.index("witness+")
    assert "Verified Successfully" in signed
    assert "shop.example.com" in (tmp_path / "takedown.csv").read_text()
    assert "shop.example.com" in (tmp_path / "notice.json").read_text()
    assert len(printed) == 6
