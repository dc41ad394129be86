"""A wheel has the packages below one package; the code names none of its modules in another way than by imports."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hook() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "packaging" / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from server.store import Store\n", "from scamfeed.server.store import Store\n"),
        ("from schemas import kinds\n", "from scamfeed.schemas import kinds\n"),
        ("import feeds.runs.pull as pull\n", "import scamfeed.feeds.runs.pull as pull\n"),
        ("import json, server as hub\n", "import json, scamfeed.server as hub\n"),
        ("x = 'ก'; from feeds import formats\n", "x = 'ก'; from scamfeed.feeds import formats\n"),
        ("def f():\n    from server import app\n    return app\n", None),
        ("from serverless import x\nimport os.path\n", "from serverless import x\nimport os.path\n"),
        ("from .server import x\nlog = 'server.log'\n", "from .server import x\nlog = 'server.log'\n"),
    ],
)  # fmt: skip
def test_imports_are_renamed_and_nothing_else(source: str, expected: str | None, hook: Any) -> None:
    named = source.replace("from server", "from scamfeed.server") if expected is None else expected
    assert hook.mapped(source, "scamfeed", ROOT) == named


@pytest.mark.parametrize(
    "source",
    [
        "import server.store\n",
        "import server\n",
        "name = 'server.store'\n",
        "name = 'server.web.http.worker.HttpWorker'\n",
        "from \\\n    server import app\n",
    ],
)
def test_names_that_a_wheel_cannot_rename_are_refused(source: str, hook: Any) -> None:
    with pytest.raises(hook.CannotMap, match=r"^1: "):
        hook.mapped(source, "scamfeed", ROOT)


def test_the_whole_project_can_be_renamed(tmp_path: Path, hook: Any) -> None:
    hook.write_mapped(ROOT, tmp_path / "scamfeed", "scamfeed")
    ours = re.compile(r"^\s*(?:from|import) (?:server|feeds|schemas|mappers)\b", re.MULTILINE)
    for file in (tmp_path / "scamfeed").rglob("*.py"):
        assert ours.search(file.read_text("utf-8")) is None, file
    assert (tmp_path / "scamfeed" / "py.typed").exists()
    assert (tmp_path / "scamfeed" / "server" / "store" / "objects" / "bodies.dictionary").exists()


def test_the_hook_knows_every_package(hook: Any) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert {*hook.PACKAGES} == {*contracts["root_packages"]}
