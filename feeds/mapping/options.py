"""Options of a mapping, and the settings of a feed from which they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from feeds import formats
from feeds.readers import record_rows
from feeds.readers.columns.conventions import Conventions
from feeds.readers.columns.dates import DayMonthOrder, usual_order
from mappers.indicator import Profile
from schemas import kinds, tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import PartnerKind
from schemas.reference.sites import PLATFORMS, STORES
from schemas.timestamp import find_zone
from schemas.vocabulary import Tlp, Word


@dataclass(frozen=True)
class Options:
    """Options for reading and mapping rows. A row's own cells override all of them.

    ``defaults``: columns of a report (``scam_type``, ``tlp``, ``countries``, …) for rows without them.
    ``reported_at``: time of rows without one; None is now.
    ``record``: the kind of record in each row, if rows are not reports (``feeds.mapping.records``).
    ``zone``: time zone of dates and times without one; None is UTC.
    ``date_order``: order of day and month, if no date of a column shows it.
    """

    reporter: str
    reporter_kind: PartnerKind | None = None
    kind: str | None = None
    format: str | None = None
    profile: Profile = Profile.FULL
    reported_at: datetime | None = None
    record: str | None = None
    zone: tzinfo | None = None
    date_order: DayMonthOrder | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)

    def at(self, reported_at: datetime) -> Self:
        """Return the same options for rows reported at that time."""
        return replace(self, reported_at=reported_at)

    def with_times(self, zone: tzinfo | None, date_order: DayMonthOrder | None) -> Self:
        """Return the same options with that time zone and order of day and month."""
        return replace(self, zone=zone, date_order=date_order)

    def row_defaults(self) -> dict[str, str]:
        """Return the texts of the columns that a row does not fill."""
        reported_at = timestamp.text(self.reported_at or timestamp.now())
        kind = {"kind": self.kind} if self.kind else {}
        return {**self.defaults, "reporter": self.reporter, "reported_at": reported_at, **kind}

    def conventions(self) -> Conventions:
        """Return the conventions for times in a file that are known before reading it."""
        usual = usual_order(self.defaults.get("country", ""))
        return Conventions(self.reported_at or timestamp.now(), self.zone, self.date_order, usual)


def _known_zone(name: str | None) -> str | None:
    if name:
        find_zone(name)
    return name


def _known_platform(name: str | None) -> str | None:
    if name and PLATFORMS.find(name) is None:
        raise ValueError("there are " + ", ".join(platform.name for platform in PLATFORMS.every))
    return name


def _known_system(name: str | None) -> str | None:
    if name and STORES.find(name) is None:
        raise ValueError("there are " + ", ".join(store.name for store in STORES.every))
    return name


class ReportSettings(BaseModel):
    """Settings of a pull for reports without these columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str | None, Field(description="kind of values without one")] = None
    scam_type: Annotated[Word | None, Field(description="scam type of reports without one")] = None
    tlp: Annotated[Tlp | None, Field(description="TLP 2.0 of reports without one")] = None
    country: Annotated[str | None, Field(pattern="^[A-Z]{2}$", description="country of values without one")] = None
    platform: Annotated[
        str | None,
        AfterValidator(_known_platform),
        Field(description="platform of handles without one"),
    ] = None
    os: Annotated[
        str | None,
        AfterValidator(_known_system),
        Field(description="system of app packages without one: android or ios"),
    ] = None
    timezone: Annotated[
        str | None,
        AfterValidator(_known_zone),
        Field(
            description="time zone of dates and times without one, such as Asia/Bangkok; default: the hub's, else UTC"
        ),
    ] = None
    date_order: Annotated[
        DayMonthOrder | None,
        Field(description="order of day and month in dates such as 05/11/2026, if no date of a column shows it"),
    ] = None

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, name: str | None) -> str | None:
        try:
            return kinds.get(name).name if name is not None else None
        except Rejected as refusal:
            raise ValueError(refusal.message) from None

    def options(self, reporter: str, reported_at: datetime | None = None) -> Options:
        """Return the options of the mapping for reports of ``reporter``."""
        columns = {"scam_type": self.scam_type, "tlp": self.tlp and self.tlp.value, "country": self.country}
        columns |= {"platform": self.platform, "os": self.os}
        defaults = {name: str(text) for name, text in columns.items() if text}
        return Options(
            reporter=reporter,
            kind=self.kind,
            reported_at=reported_at,
            zone=find_zone(self.timezone) if self.timezone else None,
            date_order=self.date_order,
            defaults=defaults,
        )


def _known_format(name: str) -> str:
    formats.get(name.partition(":")[0])
    return name


# The format itself interprets the text after a colon.
FormatName = Annotated[str, AfterValidator(_known_format)]


class FileOptions(ReportSettings):
    """Options for reading a file; they apply where the file states nothing else."""

    format: Annotated[
        FormatName | None, Field(description="format of the files; by default recognised from their content")
    ] = None
    record: Annotated[
        str | None,
        Field(
            description=f"the files hold records ({', '.join(tabular.RECORDS)}), not reports: "
            "which, where rows say none"
        ),
    ] = None

    @field_validator("record")
    @classmethod
    def _known_record(cls, name: str | None) -> str | None:
        if name is not None and name not in tabular.RECORDS:
            raise ValueError(f"there are {', '.join(tabular.RECORDS)}")
        return name

    @model_validator(mode="after")
    def _records_in_tables_and_json(self) -> Self:
        if self.record and self.format not in (None, *record_rows.FORMATS):
            raise ValueError(f"format: records are read from {', '.join(record_rows.FORMATS)}")
        return self

    def options(self, reporter: str, reported_at: datetime | None = None) -> Options:
        """Return the options of the mapping for a file of ``reporter``."""
        return replace(super().options(reporter, reported_at), format=self.format, record=self.record)
