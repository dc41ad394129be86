"""``scamfeed evidence``: files of evidence, and the bag that proves one published object.

``scamfeed evidence ID …`` without the name of a command is the command ``object``.
"""

import typer

from server.cli.default_command import DefaultCommandGroup
from server.cli.proof import evidence_files, object_evidence


class _ObjectByDefault(DefaultCommandGroup):
    default = "object"


app = typer.Typer(
    name="evidence",
    help="Keep evidence of reports and cases, and prove what was published: evidence ID is evidence object ID.",
    no_args_is_help=True,
    cls=_ObjectByDefault,
)


app.command("object")(object_evidence.object_)
app.command("add")(evidence_files.add)
app.command("list")(evidence_files.list_)
app.command("get")(evidence_files.get)
app.command("hand-over")(evidence_files.hand_over)
app.command("take-back")(evidence_files.take_back)
app.command("export")(evidence_files.export)
app.command("tidy")(evidence_files.tidy)
