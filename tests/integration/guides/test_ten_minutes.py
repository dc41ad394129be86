"""The ten minutes of each guide work as printed, in an empty folder with a new hub."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration import peers
from tests.integration.command import Run

DOCS = Path(__file__).parents[3] / "docs"
ADDRESS = "http://127.0.0.1:8000/"
# Parts of the output of each page's commands.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "for-banks.md": ("All is well", "decline\npay\n", '"code":"genuine"', '"refused":0'),
    "for-exchanges.md": (
        "All is well",
        "freeze block bc1qar0",
        "pass  1A1zP1",
        "error  the checksum",
        '"failure_count":0',
        '"state":"acknowledged"',
    ),
    "for-telecoms.md": (
        "All is well",
        "block +66812345678 ",
        '"grade":"block"',
        '"code":"closed"',
        '"failure_count":0',
    ),
    "for-platforms.md": (
        "All is well",
        '{"outcome":"taken-down","ids":["opinion--',
        '"kind":"social-account","value":"line:@fake-support"',
        '"failure_count":0',
    ),
    "for-police.md": ("Somsri P.", '"line":1,"result":', "C-2026-117", "TH:SICOTHBK:4567890123"),
    "for-operators.md": ("Anong S.", "First Bank", "shop.example.com", "published"),
    "for-developers.md": (
        "[domain-name:value = 'new-shop.example.net']",
        "checksum",
        '"failure_count":0',
        "X-TAXII-Date-Added-Last",
        '"grade":"warn"',
        "+66812345678",
    ),
}


class Reader:
    """Follows a page in a folder: writes its files, and runs its commands."""

    def __init__(self, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, running: ExitStack) -> None:
        self.run = run
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.running = running
        self.address = ADDRESS

    def follow(self, page: str) -> str:
        """Return the output of all commands."""
        text = (DOCS / page).read_text(encoding="utf-8")
        printed = []
        for found in re.finditer(r"^( *)```(sh|python|toml)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
            body = textwrap.dedent(found[3]).replace(ADDRESS, self.address)
            if found[2] == "sh":
                printed.append(self._type(body))
            else:
                name = re.findall(r"`([\w.-]+\.(?:py|toml))`", text[: found.start()])[-1]
                (self.folder / name).write_text(body, encoding="utf-8")
        return "".join(printed)

    def _type(self, block: str) -> str:
        """Run the commands of a block: our own in this process, all others in a shell."""
        lines = block.splitlines()
        printed = ""
        while lines:
            if lines[0].startswith("scamfeed serve"):
                lines.pop(0)
                store = f"sqlite:///{self.folder / 'scamfeed.db'}"
                self.address = self.running.enter_context(peers.scamfeed(store, self.folder / "serve.log"))
            elif lines[0].startswith("scamfeed "):
                printed += self._own(lines.pop(0))
            else:
                others = [lines.pop(0)]
                while lines and not lines[0].startswith("scamfeed "):
                    others.append(lines.pop(0))
                printed += self._shell("\n".join(others))
        return printed

    def _own(self, line: str) -> str:
        command, _, target = line.partition(" > ")
        words = subprocess.run(
            ["/bin/sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
        ).stdout.split("\0")[1:-1]
        done = self.run(*words)
        assert done.exit_code == 0, f"{line}: {done.output}"
        if target:
            (self.folder / target).write_text(done.stdout, encoding="utf-8")
        return done.stdout

    def _shell(self, script: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", f"{script}\nenv -0 > environment"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, script + done.stdout + done.stderr
        for pair in (self.folder / "environment").read_text(encoding="utf-8").split("\0"):
            name, _, value = pair.partition("=")
            if name in ("HUB_TOKEN", "LISTING", "ID"):
                self.monkeypatch.setenv(name, value)
        return done.stdout


@pytest.fixture
def reader(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "200")
    with ExitStack() as running:
        yield Reader(run, tmp_path, monkeypatch, running)


def test_every_guide_is_tested() -> None:
    assert {page.name for page in DOCS.glob("for-*.md")} == EXPECTED.keys()


@pytest.mark.long_but("for-police.md", "for-operators.md")
@pytest.mark.parametrize("page", sorted(EXPECTED))
def test_ten_minutes_of_a_guide_work(page: str, reader: Reader) -> None:
    if page != "for-operators.md":
        reader.follow("practice.md")
    printed = reader.follow(page)
    assert [text for text in EXPECTED[page] if text not in printed] == []


@pytest.mark.parametrize("page", sorted(EXPECTED))
def test_a_guide_is_short(page: str) -> None:
    assert len((DOCS / page).read_text(encoding="utf-8").split()) <= 1200
