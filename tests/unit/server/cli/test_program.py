"""The commands of the program are found without importing them."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_group

from server.cli import program
from server.cli.program import Commands, app


def test_the_list_of_commands_shows_the_help_that_each_command_has() -> None:
    commands = Commands()
    shown = commands.helps()
    assert list(shown) == sorted(commands)
    for name, command in commands.items():
        assert shown[name].partition("\n\n")[0] == command.help.partition("\n\n")[0], name


def test_a_command_is_imported_when_it_is_read() -> None:
    assert get_group(app).commands["retract"].name == "retract"


def test_two_commands_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for feature in ("ones", "others"):
        file = tmp_path / "features" / feature / "commands.py"
        file.parent.mkdir(parents=True)
        file.write_text('def twice():\n    """Do it."""\n\n\nCOMMANDS = {"twice": twice}\n')
    monkeypatch.setattr(program, "_SERVER", tmp_path)
    with pytest.raises(ValueError, match="two commands have the name twice"):
        Commands()


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        ("--help", {"sqlalchemy", "pydantic", "server.features", "server.store", "server.settings", "feeds"}),
        ("--version", {"sqlalchemy", "pydantic", "server.features", "server.store", "server.settings", "feeds"}),
        ("status --help", {"stix2", "duckdb", "server.features.reports", "server.features.partners", "server.web"}),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments: str, absent: set[str]) -> None:
    script = (
        "import sys\nfrom server.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *arguments.split()]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)
    assert not absent & set(ended.stderr.split())
