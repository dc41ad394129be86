"""``scamfeed policy``: the release rules, cases that test them, and their changes under dual control."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from feeds.mapping.cluster import NoCluster, on_workers
from server.cli.acting import WouldDo, acting, show_proposal
from server.cli.context import By, Context, Json, actor, counting, fail, show_json, show_rows, show_table
from server.cli.large_work import prepare_process
from server.features.policies import history as histories
from server.features.policies.cases import BadCases, CaseResult, read_cases, try_cases
from server.features.policies.operations import ApplyPolicy, ProposePolicy
from server.features.policies.trial import MOST_REPORTS, try_policy
from server.operations.run import run
from server.release.hub import Hub
from server.release.publish.listings import PlannedListings
from server.release.republish import LoweredValue, Republished, ValuesPart, begin_parts, republish, republish_part
from server.release.route.policy import BadPolicy, Policy, parse_policy, policy_to_toml
from server.release.trial import PRIVATE, TrialExample, TrialResult
from server.settings import BadConfiguration, load
from server.setup import allowlists_of, hub_of, set_up
from server.store import Store, StoreUnavailable
from server.store.database.times import stamp

app = typer.Typer(help="The release policy: the rules of each collection.", no_args_is_help=True)

_FAILED = 1
_SOURCES = {
    "configuration": "# The rules of the configuration.",
    "decided": "# The rules that two persons decided on: scamfeed policy history.",
    "default": "# The rules where none are configured.",
}
# Many parts, so that the others wait only briefly for a slow worker, or for one that starts late.
_PARTS = 32
# Lowered values that one run lists; it counts all.
MOST_LOWERED = 1_000


@app.command()
def show(ctx: typer.Context, json: Json = False) -> None:
    """Print the rules in force as TOML that can be pasted into the configuration."""
    context: Context = ctx.obj
    policy, source = in_force(context)
    unheard = policy.kinds_without_rule()
    if json:
        rules = [rule.model_dump(mode="json", exclude_defaults=True) for rule in policy.rules]
        configured = source == "configuration"
        show_json({"rule": rules, "configured": configured, "source": source, "kinds_without_rule": unheard})
        return
    print(_SOURCES[source])  # noqa: T201 - the command's answer
    print(policy_to_toml(policy), end="")  # noqa: T201 - the command's answer
    if unheard:
        print(f"\n# No rule takes {', '.join(unheard)}: they reach only partners whom contributors name.")  # noqa: T201 - the command's answer


@app.command()
def apply(
    ctx: typer.Context,
    anew: Annotated[
        bool,
        typer.Option(
            "--anew", help="begin at the first value, even if an earlier run was stopped; list the lowered values"
        ),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(help="use a Dask cluster: its scheduler, as tcp://HOST:8786, or local:N for N processes here"),
    ] = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Apply the rules in force to all values: after a change of the rules or of a partner's access.

    It may be stopped at any time. Started again, it continues where it stopped, or at the first value if rules,
    partners or grants have changed since. Partners can read and contribute during the run.
    """
    context: Context = ctx.obj
    if cluster is not None:
        _apply_on_workers(context, cluster, by, anew=anew, json=json)
        return
    done, lowered, more = Republished(), list[LoweredValue](), 0
    prepare_process()
    with context.hub() as hub, counting("values looked at") as count:
        run(hub, ApplyPolicy(), actor(by))
        for done in republish(hub, anew=anew):
            count(done.values)
            more += len(done.lowered)
            lowered += done.lowered[: MOST_LOWERED - len(lowered)]
    if json:
        resumed = {"resumed_after": done.resumed} if done.resumed else {}
        listed = {"lowered": more, "lowered_values": list(map(_lowered_row, lowered))} if anew else {}
        show_json({"values": done.values, "changed": done.changed, **resumed, **listed})
        return
    after = f" (the first {done.resumed:,} by an earlier run that was stopped)" if done.resumed else ""
    print(f"{done.values:,} values checked{after}, {done.changed:,} of them changed.")  # noqa: T201 - the command's answer
    if anew and lowered:
        title = "Lowered values" if more == len(lowered) else f"The first {len(lowered):,} of {more:,} lowered values"
        show_rows(title, list(map(_lowered_row, lowered)), ["kind", "value", "before", "after"], json=False)


def _lowered_row(value: LoweredValue) -> dict[str, Any]:
    """Return a lowered value; ``after`` is null if no collection lists it any longer."""
    kind, _, name = value.subject.partition(":")
    after = None if value.after is None else value.after._asdict()
    return {"kind": kind, "value": name, "before": value.before._asdict(), "after": after}


def _apply_on_workers(context: Context, cluster: str, by: str | None, *, anew: bool, json: bool) -> None:
    with context.hub() as hub:
        run(hub, ApplyPolicy(), actor(by))
        left = begin_parts(hub, _PARTS, anew=anew)
    done, config = Republished(), context.config and context.config.resolve()
    try:
        with counting("values looked at") as count:
            for part in on_workers(left, cluster, republish_on_worker, config):
                done = Republished(done.values + part.values, done.changed + part.changed)
                count(done.values)
    except (NoCluster, StoreUnavailable, BadConfiguration) as error:
        fail(f"{error}; the same command continues from here")
    if json:
        show_json({"values": done.values, "changed": done.changed, "parts": len(left)})
    else:
        print(f"{done.values:,} values checked in {len(left)} parts, {done.changed:,} of them changed.")  # noqa: T201 - the command's answer


def republish_on_worker(part: ValuesPart, config: Path | None) -> Republished:
    """Apply the rules to a part of the values, on a worker with its own configuration."""
    settings = load(config)
    with closing(Store.open(settings.database_url)) as store:
        return republish_part(hub_of(settings, store), part)


@app.command(name="test")
def try_(
    ctx: typer.Context,
    cases: Annotated[Path, typer.Argument(help="cases in TOML, JSON or YAML, as docs/release-cases.toml")],
    json: Json = False,
) -> None:
    """Test the release rules with cases, in a temporary store; exit 1 if a case fails."""
    context: Context = ctx.obj
    try:
        with TemporaryDirectory() as folder, closing(Store.open(f"sqlite:///{Path(folder) / 'cases.db'}")) as store:
            set_up(store)
            tried = list(try_cases(store, read_cases(cases), context.policy, allowlists_of(context.settings)))
    except BadCases as error:
        fail(str(error))
    failed = [case for case in tried if case.wrong]
    if json:
        show_json({"cases": [_described(case) for case in tried], "failed": len(failed)})
    else:
        show_table(
            f"{len(tried) - len(failed)} of {len(tried)} cases hold",
            ["case", "holds", "collections", "private collections of", "readers", "grade", "answer"],
            [_row(case) for case in tried],
        )
        for case in failed:
            for name in case.wrong:
                print(f"{case.name}: {name}: found {_shown(case.found[name])}")  # noqa: T201 - the command's answer
    if failed:
        raise typer.Exit(_FAILED)


def _described(tried: CaseResult) -> dict[str, Any]:
    return {"case": tried.name, "holds": not tried.wrong, "wrong": tried.wrong, **tried.found}


def _row(tried: CaseResult) -> list[object]:
    names = ("collections", "private_collections", "readers", "grade", "answer")
    return [tried.name, not tried.wrong, *(_shown(tried.found[name]) for name in names)]


def _shown(value: Any) -> str:
    """Return a finding in words."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value not in (None, "") else "-"


Rules = Annotated[Path, typer.Argument(metavar="FILE", help="[[rule]] tables in TOML, as scamfeed policy show prints")]


@app.command()
def trial(
    ctx: typer.Context,
    rules: Rules,
    reports: Annotated[
        int, typer.Option(min=1, max=100_000, help="the number of reports to try, the latest first")
    ] = MOST_REPORTS,
    seconds: Annotated[
        int, typer.Option(min=1, max=3_600, help="the time after which to end with a part of them")
    ] = 60,
    json: Json = False,
) -> None:
    """Try rules on the latest reported values, and show the changes to each collection. Nothing is changed."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            found = try_policy(hub, tx, _read(rules), most=reports, seconds=seconds)
        except BadPolicy as error:
            fail(str(error))
    if json:
        show_json(_as_json(found))
        return
    whole = "" if found.is_whole else "; the time was not enough for more"
    show_table(
        f"{found.values} values of the last {found.reports} reports, {found.changed} of them would change{whole}",
        ["collection", "listings now", "listings then"],
        [[alias, found.before.get(alias, 0), found.after.get(alias, 0)] for alias in _aliases(found)],
    )
    if found.unseen:
        print(  # noqa: T201 - the command's answer
            f"warning: rules for {', '.join(found.unseen)} change, but none of these reports is of such a kind: "
            "their effect is unknown; try more reports with --reports"
        )
    show_table(
        "Some of those that would change",
        ["kind", "value", "now", "then"],
        [[example.kind, example.value, _words(example.before), _words(example.after)] for example in found.examples],
    )


@app.command()
def propose(
    ctx: typer.Context,
    rules: Rules,
    note: Annotated[str, typer.Option(help="the reason, for the second person and for the history")] = "",
    by: By = None,
    dry_run: WouldDo = False,
    json: Json = False,
) -> None:
    """Propose rules in place of those in force: a second person reads the changes and confirms them."""
    with acting(ctx, by, dry_run=dry_run, json=json) as act:
        found = act.run(ProposePolicy.tried(act.hub, _text(rules), note))
    show_proposal(found, json=json)


@app.command()
def history(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="the maximum number, the latest first")] = 20,
    json: Json = False,
) -> None:
    """List the policies that were in force, with their dates, their authors, and the lines that each changed."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        found = histories.history(tx, limit=limit)
    rows: list[dict[str, Any]] = [
        {**entry.policy._asdict(), "since": stamp(entry.policy.since), "diff": list(entry.diff)} for entry in found
    ]
    columns = ["number", "since", "source", "proposed_by", "confirmed_by", "note"]
    show_rows("Policies", rows, columns, json=json)
    for row in rows if not json else ():
        print(f"\n# {row['number']}", *row["diff"], sep="\n")  # noqa: T201 - the command's answer


def in_force(context: Context) -> tuple[Policy, str]:
    """Return the policy in force and its source, even before there is a store."""
    settings = context.settings
    if settings.rule or (settings.database_file is not None and not settings.database_file.exists()):
        return context.policy, "configuration" if settings.rule else "default"
    with context.hub() as hub:
        return _of(hub)


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


def _aliases(found: TrialResult) -> list[str]:
    return sorted({*found.before, *found.after})


def _words(planned: PlannedListings) -> str:
    words = [f"{alias} {grade}" for alias, grade in planned.shared.items()]
    return ", ".join([*words, *([f"{PRIVATE} {len(planned.private)}"] if planned.private else [])]) or "-"


def _as_json(found: TrialResult) -> dict[str, Any]:
    return {**found._asdict(), "examples": [_example(example) for example in found.examples]}


def _example(example: TrialExample) -> dict[str, Any]:
    return {**example._asdict(), "before": example.before._asdict(), "after": example.after._asdict()}


COMMANDS = {"policy": app}
