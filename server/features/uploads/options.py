"""The options of reading an upload: what the person chose, and the columns that the partner named before."""

from collections.abc import Iterable
from datetime import UTC, datetime

from feeds.mapping.options import Options, ReportSettings
from feeds.readers.columns.word_tables import IGNORED, CustomNames, plain, report_fields
from mappers.indicator import Profile
from schemas import kinds
from schemas.partner import Partner
from schemas.timestamp import find_zone
from server.features.uploads.drafts import NamedColumn, Upload, UploadSettings

# Fields that a column can be named for, besides the kinds: those that people look for in their files.
COLUMNS = (
    "value", "bank", "branch", "account_number", "iban", "country", "kind", "reported_at", "first_seen", "last_seen",
    "scam_type", "channel", "reference", "description", "confidence", "paid_amount", "paid_currency",
    "hold_amount", "hold_currency", "platform", "currency", "tlp",
)  # fmt: skip


def fields() -> list[str]:
    """Return the fields that a column can be named for."""
    return [*(field for field in COLUMNS if field == "value" or field in report_fields()), *kinds.every(), IGNORED]


def heading_key(heading: str) -> str:
    """Return a heading in the form for comparison."""
    return plain(heading)


def options_of(upload: Upload, partner: Partner, timezone: str) -> Options:
    """Return the options of reading the rows of an upload."""
    chosen = upload.settings
    given = {name: getattr(chosen, name) or None for name in ("kind", "scam_type", "tlp", "country", "date_order")}
    reported_at = datetime.fromtimestamp(upload.received // 1_000_000, UTC)
    made = ReportSettings.model_validate({**given, "timezone": timezone or None}).options(partner.name, reported_at)
    return Options(
        reporter=partner.name,
        reporter_kind=partner.kind,
        kind=made.kind,
        profile=Profile.FULL,
        reported_at=reported_at,
        zone=find_zone(timezone) if timezone else None,
        date_order=made.date_order,
        defaults=made.defaults,
    )


def names_of(settings: UploadSettings, remembered: Iterable[NamedColumn]) -> CustomNames:
    """Return the names of columns that apply to a file: remembered ones, and those chosen for this file before them."""
    named = {column.shown: column.field for column in remembered} | settings.columns
    return CustomNames(columns=tuple((field, (shown,)) for shown, field in named.items()))
