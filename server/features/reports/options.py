"""Options of commands that read files: kind, format, defaults for rows, time zone, column names."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from feeds import formats
from feeds.mapping.options import Options
from feeds.readers import record_rows
from feeds.readers.columns import word_tables
from feeds.readers.columns.dates import DayMonthOrder
from feeds.readers.columns.word_tables import use_custom_names
from mappers.indicator import Profile
from schemas import kinds, tabular
from schemas.partner import CountryCode
from schemas.reference.sites import PLATFORMS, STORES
from schemas.timestamp import UnknownZone, find_zone
from schemas.vocabulary import Tlp, Word
from server.cli.context import Context, fail

KindOption = Annotated[str | None, typer.Option(help="the kind of all values without one")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        help="format of the files; of JSON also with the place of the list: json:data.items [default: recognised]"
    ),
]
ScamType = Annotated[str | None, typer.Option(help="the scam type of rows without one")]
TlpOption = Annotated[Tlp | None, typer.Option(help="TLP 2.0 of rows without one [default: amber]")]
Country = Annotated[str | None, typer.Option(help="country of values without one, such as TH")]
PlatformOption = Annotated[str | None, typer.Option(help="platform of handles without one, such as line")]
OsOption = Annotated[str | None, typer.Option("--os", help="system of app packages without one: android or ios")]
RecordOption = Annotated[
    str | None,
    typer.Option(
        help=f"the files have records ({', '.join(tabular.RECORDS)}): the record of rows without a column record"
    ),
]

_SCAM_TYPE: TypeAdapter[str] = TypeAdapter(Word)
_COUNTRY: TypeAdapter[str] = TypeAdapter(CountryCode)


def check_options(
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
    """Return the options of reading, or end the program with the first that is wrong."""
    base_format = format_ and format_.partition(":")[0]
    _check_known(f"--record {record}", "record", record, tabular.RECORDS)
    if record is not None and format_ is not None and format_ not in record_rows.FORMATS:
        fail(f"--format {format_}: records are read from {', '.join(record_rows.FORMATS)}")
    _check_known(f"--kind {kind}", "kind", kind, kinds.every())
    _check_known(f"--format {format_}", "format", base_format, formats.names())
    _check_forms(scam_type, country)
    if platform is not None and PLATFORMS.find(platform) is None:
        known = ", ".join(known_platform.name for known_platform in PLATFORMS.every)
        fail(f"--platform {platform}: there is no such platform here; there are: {known}")
    if system is not None and STORES.find(system) is None:
        known = ", ".join(store.name for store in STORES.every)
        fail(f"--os {system}: there is no such system here; there are: {known}")
    given = {
        "scam_type": scam_type,
        "tlp": tlp and tlp.value,
        "country": country and country.upper(),
        "platform": platform,
        "os": system,
    }
    defaults = {name: text for name, text in given.items() if text}
    return Options(reporter=reporter, kind=kind, format=format_, profile=profile, record=record, defaults=defaults)


def _check_known(option: str, noun: str, name: str | None, known: Iterable[str]) -> None:
    """End the program if a name is given that is not among the ``known``."""
    names = list(known)
    if name is not None and name not in names:
        fail(f"{option}: there is no such {noun}; there are: {', '.join(names)}")


def _check_forms(scam_type: str | None, country: str | None) -> None:
    """End the program if scam type or country have another form than reports may have."""
    if scam_type is not None and not _fits(_SCAM_TYPE, scam_type):
        fail(f"--scam-type {scam_type}: write it in lower case with hyphens between its words, as in foo-bar")
    if country is not None and not _fits(_COUNTRY, country.upper()):
        fail(f"--country {country}: give the two letters of ISO 3166-1, as TH")


def _fits(rule: TypeAdapter[str], text: str) -> bool:
    try:
        rule.validate_python(text)
    except ValidationError:
        return False
    return True


Timezone = Annotated[
    str | None,
    typer.Option(
        help="time zone of dates and times without one, as Asia/Bangkok or +07:00 [default: the setting, UTC]"
    ),
]
DateOrder = Annotated[
    DayMonthOrder | None,
    typer.Option(help="order of day and month in dates such as 05/11/2026, if no other date shows it"),
]


def with_timezone(
    ctx: typer.Context, options: Options, timezone: str | None, date_order: DayMonthOrder | None
) -> tuple[Options, str]:
    """Return the options with time zone and date order, and the zone's name; end the program if there is none."""
    context: Context = ctx.obj
    name = timezone or context.settings.timezone
    try:
        zone = find_zone(name) if name else None
    except UnknownZone as error:
        fail(f"--timezone: {error}")
    return options.with_times(zone, date_order), name or "UTC"


ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD=NAME|FILE",
        help="the column NAME holds FIELD, as bank=Payee; or a TOML file with your names of columns, kinds and scam "
        "types (docs/reports.md); can be given several times",
    ),
]


@contextmanager
def custom_column_names(given: list[str] | None) -> Iterator[None]:
    """Use the column names in ``given`` files and pairs too; end the program if they are wrong."""
    try:
        own = word_tables.custom_names(given or ())
    except word_tables.BadCustomNames as error:
        fail(f"--columns {error}")
    with use_custom_names(own):
        yield
