"""Options of a mapping, and the settings of a feed that they are made of."""

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
from schemas.reference.platforms import PLATFORMS
from schemas.reference.stores import STORES
from schemas.reference.time_zones import find_zone
from schemas.vocabulary import Tlp, Word


@dataclass(frozen=True)
class Options:
    """Options for reading and mapping rows. A row's own cells win over all of them.

    ``defaults``: columns of a report (``scam_type``, ``tlp``, ``countries``, …) for rows that leave them out.
    ``reported_at``: time of rows without one; None is the present.
    ``record``: the record that each row is, where rows are no reports (``feeds.mapping.records``).
    ``zone``: time zone of dates and times without one; None is UTC.
    ``date_order``: order of day and month, where no date of a column shows it.
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

    def conventions(self) -> Conventions:
        """Return what is known about the times of a file before it is read."""
        return Conventions(self.reported_at or timestamp.now(), self.zone, self.date_order)


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
    """Settings of a pull for reports that leave these columns out."""

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
