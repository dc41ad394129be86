"""``scamfeed map-cluster``: many files to STIX on the workers of a Dask cluster."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from feeds.mapping.cluster import NoCluster, map_files
from feeds.mapping.rows import Counts
from mappers.indicator import Profile
from server.cli.context import Json, fail
from server.cli.counts import show_counts
from server.cli.options import (
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
    profile: Annotated[Profile, typer.Option(help="whom the objects are for")] = Profile.FULL,
    reporter: Annotated[str, typer.Option(help="in whose name the objects are made")] = "Unnamed reporter",
    json: Json = False,
) -> None:
    """Map each file on a worker of its own: FOLDER/NAME.jsonl, and its rejected rows FOLDER/NAME.rejects.jsonl.

    Duplicates are found within a file; a value in two files becomes the same objects, with the same ids, twice.
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
    try:
        for part in map_files([path.resolve() for path in file], output.resolve(), options, cluster):
            counts.take(part.counts)
            if part.fault:
                faults.append(f"{part.file.name}: {part.fault}")
    except NoCluster as error:
        fail(str(error))
    show_counts(counts, json, Console(), faults, zone)
