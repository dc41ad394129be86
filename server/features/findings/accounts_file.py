"""A provider's reported accounts as CSV: fill in `code` and `reference`, and send the file back as findings."""

from codecs import BOM_UTF8
from collections.abc import Iterable

from server.features.findings.accounts import ReportedAccount
from server.features.findings.facts import entry_of
from server.web.shell.lists import csv_line

COLUMNS = (
    *("listing", "kind", "value", "code", "reference", "since", "due", "late", "answered"),
    *("grade", "disputed", "scam_type", "first_seen", "last_seen", "reporters", "reporter_kinds"),
)


def csv_of(accounts: Iterable[ReportedAccount], target: int) -> bytes:
    """Return the file. The byte order mark tells spreadsheets that it is UTF-8."""
    lines = [csv_line(COLUMNS), *(csv_line(_cells(account, target)) for account in accounts)]
    return BOM_UTF8 + b"".join(lines)


def _cells(account: ReportedAccount, target: int) -> list[object]:
    entry = entry_of(account, target)
    return [_cell(getattr(entry, name)) for name in COLUMNS]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    return " ".join(value) if isinstance(value, tuple) else value
