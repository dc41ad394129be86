"""``scamfeed map`` and ``scamfeed contribute``: raw files to STIX, to a file or into the inbox."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from feeds import formats
from feeds.contributing import contribute_file
from feeds.mapping import Counts, Duplicate, Mapped, Options, Reject, map_stream
from feeds.output import Sink
from mappers.indicator import Profile
from schemas import kinds, timestamp
from schemas.partner import CountryCode
from schemas.text import whole
from schemas.vocabulary import Tlp, Word
from server.cli.context import Context, Json, fail, show_json, show_table
from server.store import partners
from server.store.partners import UnknownPartner

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="files of reports; - is standard input")]
KindOption = Annotated[str | None, typer.Option(help="the kind of all values that come without one")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        help="the files' format, in documents with its list's place (json:data.items); recognised where not named"
    ),
]
ScamType = Annotated[str | None, typer.Option(help="the scam's type, where the rows say none")]
TlpOption = Annotated[Tlp | None, typer.Option(help="TLP 2.0 of rows that bear none [default: amber]")]
Country = Annotated[str | None, typer.Option(help="country of values that are written without one, as TH")]
Rejects = Annotated[Path | None, typer.Option(help="where to write the rejected rows, as JSON lines")]
ProfileOption = Annotated[Profile, typer.Option(help="whom the objects are for")]

STDIN = "-"

Outcome = Mapped | Duplicate | Reject

_SCAM_TYPE: TypeAdapter[str] = TypeAdapter(Word)
_COUNTRY: TypeAdapter[str] = TypeAdapter(CountryCode)


def map_(
    file: Files,
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    output: Annotated[
        Path | None,
        typer.Option(help="where to write: .json is one bundle, anything else JSON lines [default: standard output]"),
    ] = None,
    rejects: Rejects = None,
    profile: ProfileOption = Profile.FULL,
    reporter: Annotated[str, typer.Option(help="in whose name the objects are made")] = "Unnamed reporter",
    json: Json = False,
) -> None:
    """Map raw files to STIX 2.1 objects, without any store.

    Each row is mapped, a duplicate, or rejected with a reason. With --json and no --output only the counts are shown.
    """
    options = _options(reporter, kind, format, scam_type, tlp, country, profile)
    counts = Counts()
    seen: set[tuple[str, str]] = set()
    faults: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(_writable())
        sink = stack.enter_context(Sink.to(Path(os.devnull) if json and output is None else output, options))
        log = stack.enter_context(_rejects(rejects))
        for name, stream, size, reported_at in _opened(file, faults):
            with _progress(name, stream, size) as tracked:
                outcomes = map_stream(tracked, name, options.at(reported_at), seen)
                for outcome in _readable(name, outcomes, faults):
                    counts.add(outcome)
                    if isinstance(outcome, Mapped):
                        sink.write(outcome)
                    elif isinstance(outcome, Reject):
                        log.write(outcome)
    _show(counts, json, Console(stderr=output is None and not json), faults)


def contribute(
    ctx: typer.Context,
    file: Files,
    partner: Annotated[str, typer.Option(help="the partner in whose name and into whose inbox they go")],
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    rejects: Rejects = None,
    json: Json = False,
) -> None:
    """Map raw files and put them into a partner's inbox, as if the partner had posted them: the release rules run."""
    context: Context = ctx.obj
    counts = Counts()
    seen: set[tuple[str, str]] = set()
    faults: list[str] = []
    with context.store() as store, _writable(), _rejects(rejects) as log:
        with store.read() as tx:
            try:
                who = partners.get(tx, partner)
            except UnknownPartner as error:
                fail(str(error))
        options = _options(who.name, kind, format, scam_type, tlp, country, Profile.FULL)
        options = replace(options, reporter_kind=who.kind)
        for name, stream, size, reported_at in _opened(file, faults):
            with _progress(name, stream, size) as tracked:
                outcomes = contribute_file(store, who, tracked, name, options.at(reported_at), seen)
                for outcome in _readable(name, outcomes, faults):
                    counts.add(outcome)
                    if isinstance(outcome, Reject):
                        log.write(outcome)
    _show(counts, json, Console(), faults)


def _options(
    reporter: str,
    kind: str | None,
    format_: str | None,
    scam_type: str | None,
    tlp: Tlp | None,
    country: str | None,
    profile: Profile,
) -> Options:
    if kind is not None and kind not in kinds.every():
        fail(f"--kind {kind}: there is no such kind; there are: {', '.join(kinds.every())}")
    if format_ is not None and format_.partition(":")[0] not in formats.names():
        fail(f"--format {format_}: there is no such format; there are: {', '.join(formats.names())}")
    if scam_type is not None and not _fits(_SCAM_TYPE, scam_type):
        fail(f"--scam-type {scam_type}: write it in lower case with hyphens between its words, as in foo-bar")
    if country is not None and not _fits(_COUNTRY, country.upper()):
        fail(f"--country {country}: give the two letters of ISO 3166-1, as TH")
    given = {"scam_type": scam_type, "tlp": tlp and tlp.value, "country": country and country.upper()}
    defaults = {name: text for name, text in given.items() if text}
    return Options(reporter=reporter, kind=kind, format=format_, profile=profile, defaults=defaults)


def _fits(rule: TypeAdapter[str], text: str) -> bool:
    try:
        rule.validate_python(text)
    except ValidationError:
        return False
    return True


class _Rejects:
    """Rejected rows, as JSON lines, or nowhere."""

    def __init__(self, out: BinaryIO | None) -> None:
        self._out = out

    def write(self, reject: Reject) -> None:
        """Write one row."""
        if self._out is not None:
            texts = {key: whole(text) if isinstance(text, str) else text for key, text in reject._asdict().items()}
            self._out.write(orjson.dumps(texts, option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def _rejects(path: Path | None) -> Iterator[_Rejects]:
    if path is None:
        yield _Rejects(None)
        return
    with path.open("wb") as out:
        yield _Rejects(out)


@contextmanager
def _writable() -> Iterator[None]:
    """End the program where what it makes cannot be written."""
    try:
        yield
    except BrokenPipeError:  # who reads our output has read enough, which is no error
        raise
    except OSError as error:
        fail(f"{error.filename or 'the output'}: cannot be written: {error.strerror}")


def _opened(files: list[str], faults: list[str]) -> Iterator[tuple[str, BinaryIO, int | None, datetime]]:
    """Open each file in turn: its name, its bytes, their number, and when it was last changed.

    What is wrong with those that cannot be opened is added to ``faults``.
    """
    for name in files:
        if name != STDIN and not Path(name).is_file():
            fail(f"{name}: no such file")
    for name in files:
        if name == STDIN:
            yield name, sys.stdin.buffer, None, timestamp.now()
            continue
        try:
            with Path(name).open("rb") as stream:
                state = Path(name).stat()
                yield name, stream, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)
        except OSError as error:
            faults.append(f"{name}: cannot be read: {error.strerror}")


@contextmanager
def _progress(name: str, stream: BinaryIO, size: int | None) -> Iterator[BinaryIO]:
    """Show how far a file is read, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal or size is None:
        yield stream
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress.wrap_file(stream, total=size, description=Path(name).name)


def _readable(name: str, outcomes: Iterator[Outcome], faults: list[str]) -> Iterator[Outcome]:
    """Give ``outcomes``, and add to ``faults`` why a file, although there, cannot be read (on)."""
    try:
        yield from outcomes
    except (formats.UnknownFormat, formats.UnreadableFile) as error:
        faults.append(f"{name}: {error}")
    except OSError as error:
        faults.append(f"{name}: cannot be read: {error.strerror}")


def _show(counts: Counts, json: bool, console: Console, faults: list[str]) -> None:
    """Show the counts, and end the program with what could not be read."""
    if json:
        show_json(counts.as_dict())
    else:
        _show_counts(counts, console)
    if faults:
        fail("\nscamfeed: ".join(faults))


def _show_counts(counts: Counts, console: Console) -> None:
    rows: list[tuple[str, int]] = [("read", counts.read), ("mapped", counts.mapped), ("duplicates", counts.duplicates)]
    rows += [(f"rejected: {reason}", number) for reason, number in counts.rejected.most_common()]
    show_table("Rows", ["what became of them", "rows"], rows, console)
