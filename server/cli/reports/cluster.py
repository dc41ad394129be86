"""``scamfeed map-cluster``: many files to STIX, or into an inbox, on the workers of a Dask cluster."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from feeds.cluster import NoCluster
from feeds.mapping.cluster import contribute_files, map_files
from feeds.mapping.rows import Counts
from mappers.indicator import Profile
from server.cli.context import Context, Json, fail
from server.cli.partners.access import find_partner
from server.cli.reports.counts import show_counts
from server.cli.reports.options import (
    Country,
    DateOrder,
    FormatOption,
    KindOption,
    ScamType,
    Timezone,
    TlpOption,
    check_options,
    with_timezone,
)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="files of reports, as every worker sees them")]


def map_cluster(
    ctx: typer.Context,
    file: Files,
    cluster: Annotated[str, typer.Option(help="a Dask scheduler, as tcp://HOST:8786, or local:N for N processes here")],
    output: Annotated[Path, typer.Option(help="folder of the results, as every worker sees it")],
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    partner: Annotated[
        str | None, typer.Option(help="contribute the reports, in this partner's name and into its inbox")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="whom the objects are for")] = Profile.FULL,
    reporter: Annotated[str, typer.Option(help="in whose name the objects are made")] = "Unnamed reporter",
    json: Json = False,
) -> None:
    """Map each file on a worker of its own: FOLDER/NAME.jsonl, and its rejected rows FOLDER/NAME.rejects.jsonl.

    Duplicates are found within a file; a value in two files becomes the same objects, with the same ids, twice.

    With --partner the workers contribute what they map, each as a node of the hub, by the configuration that it finds
    (--config, else scamfeed.toml where it runs, and its environment). FOLDER/NAME.progress.json says how far a file is:
    the same command again goes on from there.
    """
    options = check_options(reporter, kind, format, scam_type, tlp, country, profile, None)
    options, zone = with_timezone(ctx, options, timezone, date_order)
    missing = [path for path in file if not path.is_file()]
    if missing:
        fail(f"{missing[0]}: no such file")
    twice = [name for name, times in Counter(path.name for path in file).items() if times > 1]
    if twice:
        fail(f"{twice[0]}: two files of this name would be written to one; map them in two runs")
    output.mkdir(parents=True, exist_ok=True)
    counts, faults = Counts(), []
    files, folder = [path.resolve() for path in file], output.resolve()
    if partner is None:
        parts = map_files(files, folder, options, cluster)
    else:
        context: Context = ctx.obj
        with context.store() as store, store.read() as tx:
            who = find_partner(tx, partner)
        options = replace(options, reporter=who.name, reporter_kind=who.kind, profile=Profile.FULL)
        config = context.config and context.config.resolve()
        parts = contribute_files(files, folder, options, cluster, config, who.name)
    try:
        for part in parts:
            counts.take(part.counts)
            if part.fault:
                faults.append(f"{part.file.name}: {part.fault}")
    except NoCluster as error:
        fail(str(error))
    show_counts(counts, json, Console(), faults, zone, contributed=partner is not None)
