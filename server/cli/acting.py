"""Commands that run operations: their options, their refusals, proposals, and dry runs.

``command_of`` makes the command of an operation from its fields. Other commands run operations in ``acting``.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

from schemas.errors import Rejected
from server.cli.context import USAGE, By, Context, Json, actor, fail, show_json, show_table
from server.operations.dual_control import TooManyOpen
from server.operations.operation import Act, DualControlOperation
from server.operations.run import DryRun, dry_run as run_dry, run
from server.operations.sentences import english
from server.release.hub import Hub
from server.store.database.times import stamp
from server.store.proposals.proposals import Proposal

_Result = TypeVar("_Result")

WouldDo = Annotated[bool, typer.Option("--dry-run", help="show what it would do, and change nothing")]


class Acting:
    """Runs operations in the name of the person at the command line."""

    def __init__(self, hub: Hub, by: str | None, *, dry_run: bool, json: bool) -> None:
        """Act at a hub, or with ``dry_run`` only show what operations would do."""
        self.hub = hub
        self.actor = actor(by)
        self.is_dry = dry_run
        self._json = json

    def run(self, operation: Act[_Result]) -> _Result:
        """Run an operation, and return its result.

        The program ends where the operation became a proposal, which is shown, and after a dry run.
        """
        done = self.run_or_propose(operation)
        if isinstance(operation, DualControlOperation) and isinstance(done, Proposal):
            show_proposal(done, json=self._json)
            raise typer.Exit
        return done  # type: ignore[return-value] # only an operation under dual control has both results

    def run_or_propose(self, operation: Act[_Result]) -> _Result | Proposal:
        """Run an operation, and return its result or its proposal. After a dry run the program ends."""
        if self.is_dry:
            self.show_dry_run([operation])
        return run(self.hub, operation, self.actor)

    def show_dry_run(self, operations: Iterable[Act[Any]]) -> None:
        """Show what operations would do, and end the program."""
        show_dry_runs([run_dry(self.hub, operation, self.actor) for operation in operations], json=self._json)
        raise typer.Exit


@contextmanager
def acting(
    ctx: typer.Context,
    by: str | None,
    *,
    dry_run: bool = False,
    json: bool = False,
    refused: str = "",
    status: int = USAGE,
    of_any_rules: bool = False,
) -> Iterator[Acting]:
    """Run operations at the hub; the program ends with the reason where one is refused.

    ``refused`` is the option that a refusal is about, as ``"--contact: "``, and ``status`` the exit status.
    """
    context: Context = ctx.obj
    with context.hub(of_any_rules=of_any_rules) as hub:
        try:
            yield Acting(hub, by, dry_run=dry_run, json=json)
        except Rejected as refusal:
            fail(refused + refusal.message, status)
        except (LookupError, ValueError, TooManyOpen) as error:
            fail(str(error), status)


def command_of(
    operation: type[Act[_Result]],
    arguments: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
    *,
    shown: Callable[[_Result, bool], None] | None = None,
    help: str | None = None,
) -> Callable[..., None]:
    """Return the command of an operation, with the options ``--by`` and ``--dry-run``.

    The fields named in ``arguments`` become arguments, the others options; ``names`` renames fields. ``shown`` prints
    the result, as JSON where its second argument says so; without it, the command prints nothing. ``help`` is the help,
    if not the docstring of the operation.
    """
    fields = {(names or {}).get(field, field): field for field in operation.model_fields}

    def command(ctx: typer.Context, by: str | None, dry_run: bool, json: bool = False, **given: Any) -> None:
        with acting(ctx, by, dry_run=dry_run, json=json) as act:
            done = act.run(operation(**{fields[name]: value for name, value in given.items()}))
        if shown is not None:
            shown(done, json)

    parameters = [_parameter("ctx", typer.Context)]
    for name, field in fields.items():
        info = operation.model_fields[field]
        declare = typer.Argument if field in arguments else typer.Option
        annotation = Annotated[info.annotation, declare(help=info.description)]  # type: ignore[name-defined] # a value
        parameters.append(_parameter(name, annotation, inspect.Parameter.empty if info.is_required() else info.default))
    parameters += [_parameter("by", By, None), _parameter("dry_run", WouldDo, False)]
    parameters += [_parameter("json", Json, False)] if shown is not None else []
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # typer reads it
    command.__doc__ = help or operation.__doc__
    return command


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def show_dry_runs(found: list[DryRun], *, json: bool) -> None:
    """Show what several operations would do."""
    proposals = [proposal for each in found for proposal in each.proposals]
    entries = [entry for each in found for entry in each.entries]
    effects = english(effect for proposal in proposals for effect in proposal.effects)
    acts = [
        {
            "act": f"{entry.method} {entry.route}",
            "partner": entry.partner,
            "collection": entry.collection,
            "reference": entry.reference,
            "objects": entry.objects,
        }
        for entry in entries
    ]
    if json:
        show_json({"dry_run": True, "acts": acts, "proposals": len(proposals), "effects": effects})
        return
    title = "Dry run: nothing was changed. It would do"
    columns = ["act", "partner", "collection", "reference", "objects"]
    show_table(title, columns, [[act[column] for column in columns] for act in acts])
    if proposals:
        show_table("A second person would have to confirm", ["effect"], [[effect] for effect in effects])


def show_proposal(found: Proposal, json: bool) -> None:
    """Show a proposal completely, with the next step."""
    row = proposal_row(found)
    if json:
        show_json(row)
        return
    lines = [[name.replace("_", " "), value] for name, value in row.items() if name != "effects" and value is not None]
    show_table("Proposal", ["property", "value"], lines)
    show_table("What it does", ["what"], [[line] for line in row["effects"]])
    if found.state == "open":
        show_table("", ["next"], [[f"somebody else: scamfeed proposal confirm {found.id} --by NAME"]])


def proposal_row(found: Proposal) -> dict[str, Any]:
    """Return a proposal as JSON, with its effects in English."""
    return {
        "id": found.id,
        "action": found.action,
        "arguments": dict(found.arguments),
        "effects": english(found.effects),
        "note": found.note,
        "proposed_by": found.proposed_by,
        "proposed": stamp(found.proposed),
        "expires": stamp(found.expires),
        "state": found.state,
        "decided_by": found.decided_by,
        "decided": None if found.decided is None else stamp(found.decided),
    }
