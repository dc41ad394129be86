"""The columns of a row, for each row type of a format."""

from feeds.readers.rows import ReportRow, Row
from schemas.tabular import report_columns
from schemas.vocabulary import ScamType


def columns_of_row(row: Row | ReportRow) -> dict[str, str]:
    """Return the columns stated by ``row``, as for a report. An unknown scam type is ignored."""
    if isinstance(row, Row):
        return dict(row.fields)
    columns = report_columns(row.report)
    if columns["scam_type"] == ScamType.UNKNOWN:
        del columns["scam_type"]
    return columns
