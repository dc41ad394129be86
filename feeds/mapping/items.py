"""From the records of somebody's API to the batch of a pull: each becomes a report, or is counted with its reason."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from feeds.connector import Batch, Gone
from feeds.mapping.rows import Mapped, Options, Reject, map_rows
from feeds.readers import record
from feeds.readers.columns.dates import Order
from feeds.readers.columns.notes import Tally
from schemas import kinds
from schemas.errors import Rejected
from schemas.reference import platforms, stores
from schemas.reference.time_zones import zone_called
from schemas.vocabulary import Tlp, Word


def _known_zone(name: str | None) -> str | None:
    if name:
        zone_called(name)
    return name


def _known_platform(name: str | None) -> str | None:
    if name and platforms.named(name) is None:
        raise ValueError("there are " + ", ".join(each.name for each in platforms.every()))
    return name


def _known_system(name: str | None) -> str | None:
    if name and stores.named(name) is None:
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
        Order | None,
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
            zone=zone_called(self.timezone) if self.timezone else None,
            date_order=self.date_order,
            defaults=defaults,
        )


def batch(
    records: Iterable[object], checkpoint: dict[str, Any], options: Options, gone: Sequence[str | Gone] = ()
) -> Batch:
    """Make a batch of ``records``, whose keys are columns as a file of reports has them (``docs/reports.md``).

    One that is no report, or no mapping at all, is counted with its reason. ``gone`` are values, or ids of indicators,
    that the partner takes back, and when, where it says so.
    """
    rows = (
        row
        for number, each in enumerate(records, 1)
        for row in record.rows(number, dict(each) if isinstance(each, Mapping) else each)
    )
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    rejects = [each for each in outcomes if isinstance(each, Reject)]
    rejected = Counter(each.reason for each in rejects)
    items = [each.objects for each in outcomes if isinstance(each, Mapped)]
    return Batch(items, checkpoint, len(outcomes) + len(gone), rejected, gone=gone, rejects=rejects, tally=tally)
