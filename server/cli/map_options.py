"""Reports on the command line: their kind and format, and what holds where the rows say nothing."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from feeds import formats
from feeds.mapping.options import Options
from feeds.readers import record_rows
from mappers.indicator import Profile
from schemas import kinds, tabular
from schemas.partner import CountryCode
from schemas.reference.platforms import PLATFORMS
from schemas.reference.stores import STORES
from schemas.vocabulary import Tlp, Word
from server.cli.context import fail

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
PlatformOption = Annotated[str | None, typer.Option(help="platform of handles that are written without one, as line")]
OsOption = Annotated[
    str | None, typer.Option("--os", help="system of apps' packages that are written without one: android or ios")
]
RecordOption = Annotated[
    str | None,
    typer.Option(
        help=f"the files hold no reports but records ({', '.join(tabular.RECORDS)}): which, where rows say none; files "
        "with a column record need no flag"
    ),
]

_SCAM_TYPE: TypeAdapter[str] = TypeAdapter(Word)
_COUNTRY: TypeAdapter[str] = TypeAdapter(CountryCode)


def options_of(
    reporter: str,
    kind: str | None,
    format_: str | None,
    scam_type: str | None,
    tlp: Tlp | None,
    country: str | None,
    profile: Profile,
    record: str | None,
    platform: str | None = None,
    system: str | None = None,
) -> Options:
    """Check what stands on the command line, and end the program with what is wrong with it."""
    if record is not None and record not in tabular.RECORDS:
        fail(f"--record {record}: there is no such record; there are: {', '.join(tabular.RECORDS)}")
    if record is not None and format_ is not None and format_ not in record_rows.FORMATS:
        fail(f"--format {format_}: records are read from {', '.join(record_rows.FORMATS)}")
    if kind is not None and kind not in kinds.every():
        fail(f"--kind {kind}: there is no such kind; there are: {', '.join(kinds.every())}")
    if format_ is not None and format_.partition(":")[0] not in formats.names():
        fail(f"--format {format_}: there is no such format; there are: {', '.join(formats.names())}")
    if scam_type is not None and not _fits(_SCAM_TYPE, scam_type):
        fail(f"--scam-type {scam_type}: write it in lower case with hyphens between its words, as in foo-bar")
    if country is not None and not _fits(_COUNTRY, country.upper()):
        fail(f"--country {country}: give the two letters of ISO 3166-1, as TH")
    if platform is not None and PLATFORMS.find(platform) is None:
        known = ", ".join(each.name for each in PLATFORMS.every)
        fail(f"--platform {platform}: there is no such platform here; there are: {known}")
    if system is not None and STORES.find(system) is None:
        known = ", ".join(each.name for each in STORES.every)
        fail(f"--os {system}: there is no such system here; there are: {known}")
    said = {"scam_type": scam_type, "tlp": tlp and tlp.value, "country": country and country.upper()}
    given = {**said, "platform": platform, "os": system}
    defaults = {name: text for name, text in given.items() if text}
    return Options(reporter=reporter, kind=kind, format=format_, profile=profile, record=record, defaults=defaults)


def _fits(rule: TypeAdapter[str], text: str) -> bool:
    try:
        rule.validate_python(text)
    except ValidationError:
        return False
    return True
