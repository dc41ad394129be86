"""How rows are read and mapped: the options of a mapping, and the settings of a feed they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from feeds.readers.columns.conventions import Conventions
from feeds.readers.columns.dates import DayMonthOrder
from mappers.indicator import Profile
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.partner import PartnerKind
from schemas.reference import platforms, stores
from schemas.reference.time_zones import find_zone
from schemas.vocabulary import Tlp, Word


@dataclass(frozen=True)
class Options:
    """How to read and map: what the rows themselves say goes first, ``defaults`` fill what they leave out.

    ``defaults`` are columns of a report (``scam_type``, ``tlp``, ``countries``, …). ``reported_at`` is given to rows
    that have no time of their own; None means the present. ``record`` names the records that rows are, where they are
    no reports (``feeds.mapping.records``). ``zone`` is the time zone that dates and times without one are meant in,
    None where nobody said, which is UTC; ``date_order`` is that of day and month, where dates do not tell it.
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
        """Give the same options for rows reported at that time."""
        return replace(self, reported_at=reported_at)

    def meaning(self, zone: tzinfo | None, date_order: DayMonthOrder | None) -> Self:
        """Give the same options for dates and times of that zone and order."""
        return replace(self, zone=zone, date_order=date_order)

    def conventions(self) -> Conventions:
        """Give what is known of how a file writes its times."""
        return Conventions(self.reported_at or timestamp.now(), self.zone, self.date_order)


def _known_zone(name: str | None) -> str | None:
    if name:
        find_zone(name)
    return name


def _known_platform(name: str | None) -> str | None:
    if name and platforms.find(name) is None:
        raise ValueError("there are " + ", ".join(each.name for each in platforms.every()))
    return name


def _known_system(name: str | None) -> str | None:
    if name and stores.find(name) is None:
        raise ValueError("there are " + ", ".join(each.name for each in stores.every()))
    return name


class ReportSettings(BaseModel):
    """What a pull may be told of the reports that it brings, where they leave it out themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str | None, Field(description="kind of values that come without one")] = None
    scam_type: Annotated[Word | None, Field(description="scam type of reports that say none")] = None
    tlp: Annotated[Tlp | None, Field(description="TLP 2.0 of reports that bear none")] = None
    country: Annotated[
        str | None, Field(pattern="^[A-Z]{2}$", description="country of values that are written without one")
    ] = None
    platform: Annotated[
        str | None,
        AfterValidator(_known_platform),
        Field(description="platform of handles that come without one"),
    ] = None
    os: Annotated[
        str | None,
        AfterValidator(_known_system),
        Field(description="system of apps' packages that are written without one: android or ios"),
    ] = None
    timezone: Annotated[
        str | None,
        AfterValidator(_known_zone),
        Field(description="time zone of dates and times without one, as Asia/Bangkok; else the setting, else UTC"),
    ] = None
    date_order: Annotated[
        DayMonthOrder | None,
        Field(description="order of day and month in dates such as 05/11/2026, where no date of a column tells it"),
    ] = None

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, name: str | None) -> str | None:
        try:
            return kinds.get(name).name if name is not None else None
        except Rejected as refusal:
            raise ValueError(refusal.message) from None

    def options(self, reporter: str, reported_at: datetime | None = None) -> Options:
        """Give these as the options of the mapping, for reports of ``reporter``."""
        said = {"scam_type": self.scam_type, "tlp": self.tlp and self.tlp.value, "country": self.country}
        said |= {"platform": self.platform, "os": self.os}
        defaults = {name: str(text) for name, text in said.items() if text}
        return Options(
            reporter=reporter,
            kind=self.kind,
            reported_at=reported_at,
            zone=find_zone(self.timezone) if self.timezone else None,
            date_order=self.date_order,
            defaults=defaults,
        )
