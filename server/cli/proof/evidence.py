"""``scamfeed evidence``: files of evidence, and the bag that proves one published object.

``scamfeed evidence ID …`` without the name of a command is the command ``object``.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from server.cli.context import fail

_DEFAULT = "object"


class DefaultCommandGroup(TyperGroup):
    """A group of commands that runs one of them where no command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command before arguments that begin with no command."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="evidence",
    help="Keep evidence of reports and cases, and prove what was published: evidence ID is evidence object ID.",
    no_args_is_help=True,
    cls=DefaultCommandGroup,
)


@app.command("object")
def object_(id_: Annotated[str, typer.Argument(metavar="ID", help="the id of a published object")]) -> None:
    """Write the proof of one published object."""
    fail(f"{id_}: this version proves no single object yet")
