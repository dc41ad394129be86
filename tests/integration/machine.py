"""A machine of its own for a hub: a folder and an environment, in which its commands and its server run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from click.testing import Result
from typer.testing import CliRunner

from server.cli import _config_first
from server.cli.program import app
from tests.integration.command import answer
from tests.integration.peers import TAXII, answering
from tests.ports import free_port
from tests.processes import Forked, scamfeed

ROOT = Path(__file__).parents[2]


@dataclass
class Machine:
    """A folder and an environment for ``scamfeed`` that simulate a separate machine."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return self.environment.get("SCAMFEED_DATABASE_URL", f"sqlite:///{self.folder}/scamfeed.db")

    def run(self, *words: str) -> Result:
        """Run a command in this process, in the folder of the machine."""
        with chdir(self.folder):
            return CliRunner().invoke(app, _config_first(list(words)), env=self.environment)

    def run_alone(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a separate program with only the variables of the machine."""
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.environment}
        command = [sys.executable, "-m", "server.cli", *words]
        return subprocess.run(command, cwd=self.folder, env=given, capture_output=True, text=True, check=False)

    def ask(self, *words: str) -> Any:
        return answer(self.run(*words, "--json"))

    @contextmanager
    def served(self) -> Iterator[str]:
        port, lines = free_port(), self.folder / "server.log"
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.environment}
        words = ("serve", "--port", str(port), "--workers", "1", "--no-scheduler")
        server = Forked(_run_in, self.folder, *words, log=lines, environment=given)
        with answering(server, port, lines) as url:
            yield url


def _run_in(folder: Path, *words: str) -> None:
    os.chdir(folder)
    scamfeed(*words)


def contribute(machine: Machine, *accounts: str) -> None:
    rows = "".join(f"{account},KBANK,TH\n" for account in accounts)
    (machine.folder / "reports.csv").write_text(f"account_number,bank,country\n{rows}")
    machine.ask("contribute", "reports.csv", "--partner", "Bank A", "--kind", "bank-account", "--tlp", "amber")


def read(url: str, login: str | tuple[str, str], more: str = "") -> tuple[list[dict[str, Any]], str]:
    """Return the objects that a reader gets, and its position afterwards."""
    headers = {"Accept": TAXII}
    if isinstance(login, str):
        headers["Authorization"] = f"Bearer {login}"
    found = requests.get(
        f"{url}feed/collections/mule-accounts/objects/{more}",
        headers=headers,
        auth=None if isinstance(login, str) else login,
        timeout=60,
    )
    found.raise_for_status()
    return found.json().get("objects", []), found.headers.get("X-TAXII-Date-Added-Last", "")
