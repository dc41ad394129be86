"""``scamfeed policy trial``, ``propose``, ``history``: what other rules would change, and how two decide."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.cli.decisions.proposals import show_proposal
from server.release.hub import Hub
from server.release.policies import change, history as histories
from server.release.policies.trial import MOST_REPORTS, PRIVATE, PolicyTrial, TrialExample, try_policy
from server.release.publish.listings import PlannedListings
from server.release.route.policy import BadPolicy, Policy, parse_policy
from server.release.two_persons import NotAllowed, TooManyOpen
from server.store.database.times import stamp

Rules = Annotated[Path, typer.Argument(metavar="FILE", help="[[rule]] tables in TOML, as scamfeed policy show prints")]


def trial(
    ctx: typer.Context,
    rules: Rules,
    reports: Annotated[int, typer.Option(min=1, max=100_000, help="look at so many, the latest")] = MOST_REPORTS,
    seconds: Annotated[int, typer.Option(min=1, max=3_600, help="end after so long, with what was looked at")] = 60,
    json: Json = False,
) -> None:
    """Try rules on the values that were reported last: what would enter and leave which collection. Changes nothing."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            found = try_policy(hub, tx, _read(rules), most=reports, seconds=seconds)
        except BadPolicy as error:
            fail(str(error))
    if json:
        show_json(_as_json(found))
        return
    whole = "" if found.is_whole else "; the time did not suffice for more"
    show_table(
        f"{found.values} values of the last {found.reports} reports, {found.changed} of them would change{whole}",
        ["collection", "listings now", "listings then"],
        [[alias, found.before.get(alias, 0), found.after.get(alias, 0)] for alias in _aliases(found)],
    )
    if found.unseen:
        print(  # noqa: T201 - the command's answer
            f"warning: none of these reports was of {', '.join(found.unseen)}, which rules that change are about: "
            "nothing is known of what they would do; look at more with --reports"
        )
    show_table(
        "Some of those that would change",
        ["kind", "value", "now", "then"],
        [[example.kind, example.value, _words(example.before), _words(example.after)] for example in found.examples],
    )


def propose(
    ctx: typer.Context,
    rules: Rules,
    note: Annotated[str, typer.Option(help="why, for who confirms it and for the history")] = "",
    by: By = None,
    json: Json = False,
) -> None:
    """Propose rules in place of those in force: somebody else reads what changes, and confirms it."""
    context: Context = ctx.obj
    with context.hub() as hub:
        try:
            found = change.propose(hub, change.arguments(_text(rules), note), operator_name(by), note or None)
        except (BadPolicy, NotAllowed, TooManyOpen) as error:
            fail(str(error))
    show_proposal(found, json=json)


def history(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="at most so many, the latest first")] = 20,
    json: Json = False,
) -> None:
    """List the policies that were in force: since when, by whom, and the lines that each changed."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = histories.history(tx, limit=limit)
    rows: list[dict[str, Any]] = [
        {**entry.policy._asdict(), "since": stamp(entry.policy.since), "diff": list(entry.diff)} for entry in found
    ]
    if json:
        show_json(rows)
        return
    columns = ["number", "since", "source", "proposed_by", "confirmed_by", "note"]
    show_table("Policies", columns, [[row[column] for column in columns] for row in rows])
    for row in rows:
        print(f"\n# {row['number']}", *row["diff"], sep="\n")  # noqa: T201 - the command's answer


def in_force(context: Context) -> tuple[Policy, str]:
    """Return the policy in force and where it comes from, also where there is no store yet."""
    settings = context.settings
    if settings.rule or (settings.database_file is not None and not settings.database_file.exists()):
        return context.policy, "configuration" if settings.rule else "default"
    with context.hub() as hub:
        return _of(hub)


def register(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (trial, propose, history):
        app.command()(command)


def _of(hub: Hub) -> tuple[Policy, str]:
    with hub.store.read() as tx:
        facts = hub.facts.at(tx)
        return hub.rules.policy(facts), hub.rules.source(facts)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        fail(f"{file}: cannot be read as TOML")


def _read(file: Path) -> Policy:
    return parse_policy(_text(file))


def _aliases(found: PolicyTrial) -> list[str]:
    return sorted({*found.before, *found.after})


def _words(planned: PlannedListings) -> str:
    words = [f"{alias} {grade}" for alias, grade in planned.shared.items()]
    return ", ".join([*words, *([f"{PRIVATE} {len(planned.private)}"] if planned.private else [])]) or "-"


def _as_json(found: PolicyTrial) -> dict[str, Any]:
    return {**found._asdict(), "examples": [_example(example) for example in found.examples]}


def _example(example: TrialExample) -> dict[str, Any]:
    return {**example._asdict(), "before": example.before._asdict(), "after": example.after._asdict()}
