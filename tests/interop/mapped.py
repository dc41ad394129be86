"""Mapped objects for one report of each valid example of every kind, in each profile."""

import json
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hub import BIN, CONTEXT, EXAMPLES, ROOT

REPORTED = {"reported_at": "2026-01-16T08:00:00Z"}


@cache
def objects(profile: str) -> list[dict[str, Any]]:
    """Return the objects of a profile; for ``misp``, one event after another."""
    return [json.loads(line) for line in _mapped(profile, "mapped.jsonl").splitlines()]


@cache
def document(profile: str) -> Any:
    """Return the whole document of a profile: a bundle, or a list of events for ``misp``."""
    return json.loads(_mapped(profile, "mapped.json"))


def _mapped(profile: str, name: str) -> bytes:
    examples = subprocess.run([BIN / "python", "-c", EXAMPLES], cwd=ROOT, check=True, capture_output=True)
    with TemporaryDirectory() as folder:
        reports, output = Path(folder, "reports.jsonl"), Path(folder, name)
        rows = [json.dumps(json.loads(line) | CONTEXT | REPORTED) for line in examples.stdout.splitlines()]
        reports.write_text("\n".join(rows))
        command = [BIN / "scamfeed", "map", reports, "--profile", profile, "--output", output, "--json"]
        done = subprocess.run([*command, "--reporter", "Example Bank"], check=True, capture_output=True)
        rejected = json.loads(done.stdout)["rejected"]
        assert rejected.keys() <= ({"not-in-format"} if profile == "misp" else set()), rejected
        return output.read_bytes()
