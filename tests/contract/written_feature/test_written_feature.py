"""The feature of ``docs/adding-a-feature.md`` works in a copy of the source, and changes no other file."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "adding-a-feature.md").read_text(encoding="utf-8")
_FILE = re.compile(r"<!-- (\S+): tests run this -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.mark.long
def test_feature_of_the_page_works_at_every_front_end(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for package in ("feeds", "mappers", "schemas", "server", "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("*-pytest-*.pyc"))
    written = _FILE.findall(PAGE)
    for name, content in written:
        file = copy / name
        assert not file.exists(), name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/hub.db"
    environment = {**os.environ, "PYTHONPATH": str(copy), "SCAMFEED_DATABASE_URL": url}
    play = [sys.executable, "-m", "tests.contract.written_feature.play", url]
    result = subprocess.run(play, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "operation": True,
        "command": "Banks are closed on Monday.",
        "sent": 303,
        "page": True,
        "form for a viewer": False,
        "Thai": True,
        "endpoint": {"text": "Banks are open again."},
        "wrong method": 405,
        "described": True,
        "audit trail": sorted(["Somchai", "Somebody  analyst"]),
    }
    assert len(written) == len({name for name, _ in written}) > 8
