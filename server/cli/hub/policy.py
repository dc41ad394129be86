"""``scamfeed policy``: the rules of release, and cases that try them."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from feeds.cluster import NoCluster, on_workers
from feeds.runs.runner import prepare_process
from server.cli.context import Context, Json, counting, fail, show_json, show_table
from server.cli.hub import policy_change
from server.cli.hub.policy_trial import BadCases, CaseResult, read_cases, try_cases
from server.release.republish import Republished, ValuesPart, begin_parts, republish, republish_part
from server.release.route.policy import policy_to_toml
from server.settings import BadConfiguration, load
from server.setup import allowlists_of, hub_of
from server.store import Store, StoreUnavailable

app = typer.Typer(help="The release policy: the rules of each collection.", no_args_is_help=True)

_FAILED = 1
_SOURCES = {
    "configuration": "# The rules of the configuration.",
    "decided": "# The rules that two persons decided on: scamfeed policy history.",
    "default": "# The rules where none are configured.",
}
# So many that a worker which is slow, or comes late, has few left to wait for.
_PARTS = 32


@app.command()
def show(ctx: typer.Context, json: Json = False) -> None:
    """Print the rules in force as TOML that can be pasted into the configuration."""
    context: Context = ctx.obj
    policy, source = policy_change.in_force(context)
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
        bool, typer.Option("--anew", help="begin at the first value, also where an earlier run stopped")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="do it on a Dask cluster: its scheduler, as tcp://HOST:8786, or local:N for N processes here"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Apply the rules in force to all values: after a change of the rules or of a partner's access.

    May be stopped at any time: begun again it goes on where it stopped, or at the first value if rules, partners or
    grants have changed since. Partners read and contribute meanwhile.
    """
    context: Context = ctx.obj
    if cluster is not None:
        _apply_on_workers(context, cluster, anew=anew, json=json)
        return
    done = Republished()
    prepare_process()
    with context.hub() as hub, counting("values looked at") as count:
        for done in republish(hub, anew=anew):
            count(done.values)
    if json:
        resumed = {"resumed_after": done.resumed} if done.resumed else {}
        show_json({"values": done.values, "changed": done.changed, **resumed})
    else:
        after = f" (the first {done.resumed:,} by an earlier run that was stopped)" if done.resumed else ""
        print(f"{done.values:,} values checked{after}, {done.changed:,} of them changed.")  # noqa: T201 - the command's answer


def _apply_on_workers(context: Context, cluster: str, *, anew: bool, json: bool) -> None:
    with context.hub() as hub:
        left = begin_parts(hub, _PARTS, anew=anew)
    done, config = Republished(), context.config and context.config.resolve()
    try:
        with counting("values looked at") as count:
            for part in on_workers(left, cluster, republish_on_worker, config):
                done = Republished(done.values + part.values, done.changed + part.changed)
                count(done.values)
    except (NoCluster, StoreUnavailable, BadConfiguration) as error:
        fail(f"{error}; the same command goes on from here")
    if json:
        show_json({"values": done.values, "changed": done.changed, "parts": len(left)})
    else:
        print(f"{done.values:,} values checked in {len(left)} parts, {done.changed:,} of them changed.")  # noqa: T201 - the command's answer


def republish_on_worker(part: ValuesPart, config: Path | None) -> Republished:
    """Apply the rules to a part of the values, on a worker, by the configuration that it finds."""
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
        tried = list(try_cases(read_cases(cases), context.policy, allowlists_of(context.settings)))
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


policy_change.register(app)
