"""A deadline and the end of a freeze are times, or durations that begin at the report."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from schemas import timestamp
from schemas.errors import Rejected
from schemas.request import Request

NOW = timestamp.parse("2026-11-30T12:00:00Z")


def asked(**columns: Any) -> Request:
    given = {"reporter": "First Bank", "reported_at": NOW, "asks": "freeze", "reference": "C-1"}
    known = {"of": "bank-account:TH:KASITHBK:1234567890", "legal_basis": "scheme-rules", "deadline": "4h"}
    return Request.model_validate({**given, **known, **columns})


@pytest.mark.parametrize(
    ("text", "hours"), [("30m", 0.5), ("4h", 4), (" 4h ", 4), ("10d", 240), ("2026-11-30T16:00:00Z", 4)]
)
def test_time_or_duration_is_read(text: str, hours: float) -> None:
    for reported in (NOW, "2026-11-30T12:00:00Z"):
        request = asked(deadline=text, until=text, reported_at=reported)
        assert request.deadline == request.until == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("text", ["0h", "4", "h", "4w", "-4h", "10000h", "٤h", "soon"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="deadline"):
        asked(deadline=text)


def test_duration_without_a_time_of_the_report_is_refused() -> None:
    with pytest.raises((ValidationError, Rejected), match="time"):
        asked(reported_at="yesterday")
