"""The commands in the README work as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.long
def test_commands_of_the_readme_produce_an_export(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    (block,) = re.findall(r"^## Use it\n\n```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in block.splitlines() if "activate" not in line]
    # A server runs until stopped, so no command may follow it.
    assert lines.pop().startswith("scamfeed serve ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "0.0.0.0 shop.example.com" in done.stdout
    assert (tmp_path / "stix.jsonl").read_text(encoding="utf-8").count('"indicator"') >= 1
