"""The access log has one line per request, and values cannot add words to it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from server.observe import AnsweredRequest, access_log
from server.observe.access_log import AccessLog
from server.observe.log_lines import write_json

PARTNER = "Bank of no other test"
REQUEST = AnsweredRequest(PARTNER, "GET", "objects", "9cfa", 200, 0.0042, 0, 7, None, "192.0.2.1", None)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    handlers = access_log.log.handlers[:]
    yield
    access_log.log.handlers[:] = handlers
    access_log.log.propagate = True


def test_line_has_one_word_per_present_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    AccessLog("text").note(REQUEST)
    # Other threads of the test process may log in between, including requests.
    [record] = {text: record for record in caplog.records if PARTNER in (text := record.getMessage())}.values()
    assert record.getMessage() == (
        f'request partner="{PARTNER}" from=192.0.2.1 method=GET route=objects collection=9cfa status=200 ms=4.2 out=7'
    )
    assert record.levelname == "INFO"


def test_a_json_line_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    access_log.log.setLevel(logging.INFO)
    AccessLog("json").note(REQUEST._replace(partner='a "quoted"\nname', status=404, error_id="x"))
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    document = json.loads(line)
    assert (document["event"], document["partner"], document["status"]) == ("request", 'a "quoted"\nname', 404)
    access_log.log.setLevel(logging.NOTSET)


def test_disabled_log_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    AccessLog("off").note(REQUEST)
    assert not [record for record in caplog.records if PARTNER in record.getMessage()]


def test_other_lines_are_documents_too_with_the_trace_of_an_error() -> None:
    root = logging.getLogger()
    before = [(handler, handler.formatter) for handler in root.handlers]
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root.addHandler(handler)
    try:
        write_json()
        try:
            raise ValueError("no such\ncolumn")
        except ValueError:
            logging.getLogger("server.example").exception("failed feed=%s", "drop")
    finally:
        root.removeHandler(handler)
        for other, formatter in before:
            other.setFormatter(formatter)
    [line] = out.getvalue().splitlines()
    document = json.loads(line)
    assert (document["event"], document["level"], document["logger"]) == ("log", "ERROR", "server.example")
    assert document["message"] == "failed feed=drop"
    assert document["trace"].endswith("ValueError: no such\ncolumn")
