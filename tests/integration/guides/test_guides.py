"""The programs and commands in the guides for banks and platforms work as printed."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.integration.mirror.conftest import MirroredScamfeed

DOCS = Path(__file__).parents[3] / "docs"
ADDRESS = "http://127.0.0.1:8000/"


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the language and text of each code block of a page, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [(language, textwrap.dedent(body)) for _, language, body in found]


class Newcomer:
    """Writes the programs of a guide into a folder, and runs the commands of the guide there."""

    def __init__(self, hub: MirroredScamfeed, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.address = hub.url.removesuffix("feed/")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {**os.environ, "PATH": path, "HUB_TOKEN": hub.token}

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text.replace(ADDRESS, self.address), encoding="utf-8")

    def type(self, text: str, *, status: int = 0) -> str:
        line = ["/bin/sh", "-e", "-c", text.replace(ADDRESS, self.address)]
        done = subprocess.run(
            line, cwd=self.folder, env=self.environ, check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def newcomer(hub: MirroredScamfeed, tmp_path: Path) -> Newcomer:
    return Newcomer(hub, tmp_path)


@pytest.mark.parametrize("page", ["for-banks.md", "for-exchanges.md", "for-platforms.md", "for-telecoms.md"])
def test_the_programs_are_shorter_than_25_lines(page: str) -> None:
    (program,) = (text for language, text in blocks(page) if language == "python")
    assert len(program.splitlines()) < 25


@pytest.mark.long
def test_a_bank_decides_by_the_guide(newcomer: Newcomer) -> None:
    account = {"kind": "bank-account", "bank": "KBANK", "country": "TH"}
    newcomer.hub.report("1234567890", **account)
    (_, doctor), (_, settings), (_, sync), (_, program), (_, decide), *_ = blocks("for-banks.md")
    newcomer.type(doctor)
    newcomer.write("mirror.toml", settings)
    assert re.search("equal|behind", newcomer.type(sync))
    newcomer.write("decide.py", program)
    assert newcomer.type(decide).splitlines() == ["decline", "pay"]
    payees = "'1234567890 004 TH\\n123-4-56789-0 KASITHBK TH\\n0000000000 nosuchbank TH\\nx\\n'"
    known, spelled, unknown, wrong = newcomer.type(f"printf {payees} | python decide.py").splitlines()
    assert (known, spelled) == ("decline", "decline")
    assert unknown.startswith(("pay", "ask-again"))
    assert wrong.startswith("ask-again: ")
    newcomer.hub.retract("TH:KASITHBK:1234567890")
    newcomer.type(sync)
    assert newcomer.type(decide).splitlines() == ["pay", "pay"]


@pytest.mark.long
def test_bank_offline_for_days_blocks_no_payment(newcomer: Newcomer) -> None:
    newcomer.hub.report("2345678901", kind="bank-account", bank="KBANK", country="TH")
    _, (_, settings), (_, sync), (_, program), *_ = blocks("for-banks.md")
    newcomer.write("mirror.toml", settings.replace('"1h"', '"250ms"'))
    newcomer.type(sync)
    newcomer.write("decide.py", program)
    listed, unlisted = newcomer.type(
        "sleep 0.3; printf '2345678901 KBANK TH\\n3456789012 KBANK TH\\n' | python decide.py"
    ).splitlines()
    assert listed == "call-the-customer"
    assert unlisted.startswith("ask-the-hub")


def test_a_platform_acts_by_the_guide(newcomer: Newcomer) -> None:
    newcomer.hub.report("guide.example.com")
    (_, doctor), (_, program), (_, run), *_ = blocks("for-platforms.md")
    run = run.partition(" > ")[0]
    newcomer.type(doctor)
    newcomer.write("takedowns.py", program)

    def grades() -> dict[str, str]:
        lines = map(json.loads, newcomer.type(run).splitlines())
        return {line["pattern"]: line["grade"] for line in lines if "guide" in line["pattern"]}

    assert grades() == {"[domain-name:value = 'guide.example.com']": "block"}
    assert grades() == {}
    newcomer.hub.retract("guide.example.com")
    assert grades() == {"[domain-name:value = 'guide.example.com']": "cleared"}
    (newcomer.folder / "takedowns.checkpoint").unlink()
    assert set(grades().values()) <= {"cleared"}
