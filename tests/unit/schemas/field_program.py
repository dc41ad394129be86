"""Send one report through files, STIX, the release rules and the schemas, and print the results as JSON.

Run with the fields that ``test_declaration`` declares in a copy of ``schemas``: lure, script, places, callers, docket.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO

from feeds import formats
from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, map_stream
from mappers import consensus, extension
from mappers.indicator import Profile, to_stix
from mappers.report_reader import from_stix
from schemas import json_schema, timestamp
from schemas.errors import Rejected
from schemas.json_schema import extension_schema
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import Tlp
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import Statement
from server.release.guard.personal_data import case_numbers
from server.release.guard.personal_data.objects import refuse_personal_data
from server.release.publish.changes import changes_what_a_reader_does

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
# By its check digit, it could be a Thai national id.
NATIONAL_ID = "1101700207030"
HUB = "identity--a3a1f7c0-0000-4000-8000-000000000000"


def read(data: bytes, name: str) -> Report:
    """Return the report in a file."""
    (outcome,) = map_stream(BytesIO(data), name, Options("Example Bank", reported_at=NOON))
    assert isinstance(outcome, Mapped), outcome
    assert isinstance(outcome.report, Report)
    return outcome.report


def written(report: Report, format: str) -> bytes:
    """Return a report as written in a file format."""
    out = BytesIO()
    formats.write(format, [report], out)
    return out.getvalue()


def statement(number: int, report: Report) -> Statement:
    """Return the report as a statement of partner ``number``."""
    identity = f"identity--00000000-0000-4000-8000-{number:012d}"
    return Statement(
        Partner(name=f"P{number}", kind=PartnerKind.BANK, identity=identity), report, f"indicator--{number}"
    )


def listing(*reports: Report) -> dict[str, object]:
    """Return the hub's indicator for these reports."""
    fused = fuse([statement(number, report) for number, report in enumerate(reports)], at=NOON + timedelta(hours=1))
    moment = timestamp.text(NOON)
    fused = case_numbers.without_personal_numbers(fused)
    return consensus.to_stix(fused, "indicator--1", HUB, created=moment, modified=moment, tlp=Tlp.AMBER)


def refusal(obj: dict[str, object]) -> str:
    """Return the reason why an object is refused for personal data, or "" if it is not."""
    try:
        refuse_personal_data(obj)
    except Rejected as rejected:
        return rejected.message
    return ""


report = read(sys.stdin.buffer.read(), "reports.csv")
indicator = to_stix(report, Profile.CORE)[0]
other = report.model_copy(update={"lure": "job", "places": ("market",), "reporter": "Another Bank"})
heavier = other.model_copy(update={"confidence": 95})
schemas = json_schema.documents()
first = listing(report)
sys.stdout.write(
    json.dumps(
        {
            "fields": {name: getattr(report, name) for name in ("lure", "script", "places", "callers")},
            "csv": read(written(report, "csv"), "x.csv") == report,
            "jsonl": read(written(report, "jsonl"), "x.jsonl") == report,
            "stix": from_stix(indicator, {indicator["created_by_ref"]: "Example Bank"}) == report,
            "extension": dict(extension.context_of(indicator)),
            "labels": indicator["labels"],
            "read_by_label": from_stix({**indicator, "extensions": {}}).model_dump()["lure"],
            "label_fields": dict(extension.FIELD_OF_LABEL),
            "report_schema": json.loads(schemas["report.schema.json"])["properties"],
            "extension_schema": extension_schema()["properties"],
            "alone": dict(extension.context_of(first)),
            "numbered": dict(extension.context_of(listing(report.model_copy(update={"docket": NATIONAL_ID})))),
            "fused": dict(extension.context_of(listing(report, heavier))),
            "new_lure_is_news": changes_what_a_reader_does(first, listing(report.model_copy(update={"lure": "job"}))),
            "new_script_is_news": changes_what_a_reader_does(first, listing(report.model_copy(update={"script": "x"}))),
            "personal_data": refusal(to_stix(report.model_copy(update={"script": "Ask for +66 81 234 5678"}))[1]),
            "no_personal_data": refusal(indicator),
        }
    )
)
