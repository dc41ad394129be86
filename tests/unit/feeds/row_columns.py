"""The columns of a row, whichever kind of row its format yields."""

from feeds.readers.rows import ReportRow, Row
from schemas.tabular import report_columns
from schemas.vocabulary import ScamType


def columns_of_row(row: Row | ReportRow) -> dict[str, str]:
    """Return what ``row`` states, as the columns of a report; an unknown scam type states nothing."""
    if isinstance(row, Row):
        return dict(row.fields)
    columns = report_columns(row.report)
    if columns["scam_type"] == ScamType.UNKNOWN:
        del columns["scam_type"]
    return columns
