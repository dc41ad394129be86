"""Commands that are made of operations."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from typer import Typer
from typer.main import get_command
from typer.testing import CliRunner

from server.cli.acting import command_of
from server.operations.operation import Actor, Operation
from server.release.hub import Hub
from server.store.database.engine import Tx


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


class Reply(Operation[str]):
    """Reply to a question."""

    name: ClassVar[str] = "reply"

    id: str = Field(description="the id of the question")
    answer: Answer = Field(Answer.NO, description="the answer")
    note_text: str | None = Field(None, description="a note")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> str:
        return self.id


def test_a_command_takes_names_help_choices_and_defaults_from_the_fields() -> None:
    app = Typer(rich_markup_mode=None)
    app.command()(command_of(Reply, ["id"], {"note_text": "note"}, shown=lambda done, json: None))
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "Reply to a question." in shown
    assert "the id of the question [required]" in shown
    assert "--note <str> a note" in shown
    assert "--answer <yes|no> the answer" in shown
    assert "[default: no]" in shown
    assert all(option in shown for option in ("--by", "--dry-run", "--json"))


def test_a_command_that_shows_no_result_has_no_json() -> None:
    app = Typer(rich_markup_mode=None)
    app.command()(command_of(Reply, ["id"]))
    assert "json" not in {parameter.name for parameter in get_command(app).params}
