"""Counts of the inputs for the servers and of their responses, and the rules for every response."""

import json
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.conformance.peer import TAXII

# Multiple of the inputs of one `make test`; `make fuzz` sets it.
FUZZ = int(os.environ.get("FUZZ", "0"))

# Texts that would reveal internals of the server.
TELLTALE = re.compile(r'Traceback|sqlalchemy|sqlite|psycopg|SELECT |INSERT |UPDATE |site-packages|File "|\.py\b')


class Pass(NamedTuple):
    """One pass through all tests, on a server with this database."""

    database: str
    number: int

    def __str__(self) -> str:
        """Name it in a test's id."""
        return f"{self.database}-{self.number}"


PASSES = [Pass(database, number) for database in ("sqlite", "postgresql") for number in range(FUZZ)] or [
    Pass("sqlite", 0)
]


@dataclass
class Tally:
    """Counts inputs by source, responses by status, and a server's memory in bytes after each pass."""

    secrets: set[str] = field(default_factory=set)
    inputs: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    memory: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def look(self, what: str, status: int, content_type: str, body: bytes, also_in: str = TAXII) -> None:
        """Check that a response is no server error and reveals no internals, and count it.

        A refusal must be an error resource in TAXII's media type, or ``also_in`` another.
        """
        self.inputs[what] += 1
        self.statuses[str(status)] += 1
        # 501 is for unknown methods.
        assert status < 500 or status == 501, (status, body)
        text = body.decode(errors="replace")
        assert not any(secret in text for secret in self.secrets)
        # Texts written by partners may be returned to them.
        if status >= 400:
            assert not TELLTALE.search(text), text
        if status >= 400 and body:
            assert content_type in (TAXII, also_in)
            assert json.loads(body)["http_status"] == str(status)

    def silence(self, what: str) -> None:
        """Count an input without a response, because it was incomplete or the sender disconnected."""
        self.inputs[what] += 1
        self.statuses["none"] += 1

    def lines(self) -> list[str]:
        """Return the counts as readable text."""
        said = [f"inputs: {self.inputs.total():,}"]
        said += [f"  {what}: {count:,}" for what, count in self.inputs.most_common()]
        said += ["answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))]
        for database, held in self.memory.items():
            said.append(f"memory on {database}, MiB after each pass: " + " ".join(f"{item >> 20}" for item in held))
        return said
