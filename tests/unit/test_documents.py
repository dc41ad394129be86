"""Commands, options, make targets and files that the documents name are there."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command

from feeds import connectors
from feeds.mirror.settings import MirroredHub, MirrorOptions, load
from server.cli.program import app
from server.settings import Settings
from server.store import release_tables
from tools import bank_codes, report_lists

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def command_at(words: list[str]) -> tuple[Any, list[str]]:
    """Follow command words down to the command they name; gives the words that are left."""
    command: Any = get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            words = [getattr(command, "default", ""), *words]
        assert words[0] in command.commands, f"there is no command {words[0] or words[1]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_command_and_option_that_is_named_exists(path: Path) -> None:
    for line in re.findall(r"(?:^|`)scamfeed ([a-z][^`\n#]*)", path.read_text(encoding="utf-8"), re.MULTILINE):
        command, rest = command_at(re.sub(r'"[^"]*"', "X", line).split())
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in known | {"--help", "--config"}, f"scamfeed {line}: {word}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_the_lists_of_words_are_those_of_the_code() -> None:
    assert report_lists.PAGE.read_text(encoding="utf-8") == report_lists.page(), "run make generate"


def test_the_codes_of_banks_are_those_of_the_code() -> None:
    assert bank_codes.PAGE.read_text(encoding="utf-8") == bank_codes.page(), "run make generate"


@pytest.mark.parametrize("name", connectors.every())
def test_every_setting_of_a_connector_is_explained(name: str) -> None:
    folder = ROOT / "docs" / "connectors"
    text = "".join((folder / page).read_text(encoding="utf-8") for page in ("README.md", f"{name}.md"))
    assert f"`{name}`" in text
    for setting in connectors.every()[name].settings_model.model_fields:
        assert f"`{setting}`" in text, setting


def test_every_setting_of_the_hub_is_explained() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in Settings.model_fields:
        assert f"`{setting}`" in text, setting


@pytest.mark.parametrize("model", [MirrorOptions, MirroredHub])
def test_every_setting_of_a_mirror_is_explained(model: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "mirror.md").read_text(encoding="utf-8")
    for setting in model.model_fields:
        assert f"`{setting}`" in text, setting


def test_the_settings_of_a_mirror_in_its_page_are_right(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "mirror.md").read_text(encoding="utf-8")
    config = tmp_path / "mirror.toml"
    config.write_text(page.partition("```toml\n")[2].partition("```")[0])
    settings = load(config)
    assert settings.in_force().actions["block"] == "decline"
    assert settings.mirror == MirrorOptions(file=tmp_path / "mirror.db")


def test_of_every_table_it_is_said_how_long_its_rows_are_kept() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    _, _, kept = text.partition("## What is kept for how long")
    for table in release_tables.metadata.tables:
        assert f"`{table}`" in kept, table
