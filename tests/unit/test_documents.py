"""Commands, options, make targets and files named in the documents exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from feeds import connectors
from feeds.client.mirror.settings import MirrorOptions, load
from server.cli.program import app
from server.settings import Settings
from server.store.tables import declared
from tools import match_vectors, reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def command_at(words: list[str]) -> tuple[Any, list[str]]:
    """Follow command words to the named command, and return the remaining words."""
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
def test_every_internal_link_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_anchor_of_a_link_is_a_heading(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert anchor in anchors(path.parent / target if target else path), f"{target}#{anchor}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: str(path.name))
def test_a_page_is_short_without_its_written_tables(path: Path) -> None:
    words = reference.PART.sub("", path.read_text(encoding="utf-8")).split()
    assert len(words) <= (1_200 if path.name.startswith("for-") else 2_500)


def test_each_decision_has_its_own_number() -> None:
    numbers = [path.name.partition("-")[0] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert len(set(numbers)) == len(numbers)


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_vectors_of_private_matching_match_the_code() -> None:
    assert match_vectors.PAGE.read_text(encoding="utf-8") == match_vectors.page(), "run make generate"


@pytest.mark.parametrize("name", connectors.every())
def test_every_setting_of_a_connector_is_explained(name: str) -> None:
    folder = ROOT / "docs" / "connectors"
    text = "".join((folder / page).read_text(encoding="utf-8") for page in ("README.md", f"{name}.md"))
    assert f"`{name}`" in text
    for setting in connectors.every()[name].settings_model.model_fields:
        assert f"`{setting}`" in text, setting


def test_documented_mirror_settings_are_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "mirror.md").read_text(encoding="utf-8")
    config = tmp_path / "mirror.toml"
    config.write_text(page.partition("```toml\n")[2].partition("```")[0])
    settings = load(config)
    assert settings.in_force().actions["block"] == "decline"
    assert settings.mirror == MirrorOptions(file=tmp_path / "mirror.db")


def test_every_table_has_a_documented_retention() -> None:
    kept = (ROOT / "docs" / "retention.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", kept)) - set(Settings.model_fields)
    assert named == set(declared().tables)
