"""``scamfeed evidence``: files of evidence, and the bag that proves one published object.

``scamfeed evidence ID …`` without the name of a command is the command ``object``.
"""

import typer

from server.cli.default_command import DefaultCommandGroup
from server.cli.proof import object_evidence


class _ObjectByDefault(DefaultCommandGroup):
    default = "object"


app = typer.Typer(
    name="evidence",
    help="Keep evidence of reports and cases, and prove what was published: evidence ID is evidence object ID.",
    no_args_is_help=True,
    cls=_ObjectByDefault,
)


app.command("object")(object_evidence.object_)
