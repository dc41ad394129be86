"""The access log: one line a request, whose values make no second word of it."""

import json
import logging
from collections.abc import Iterator

import pytest

from server.observe import AnsweredRequest, access_log
from server.observe.access_log import AccessLog

PARTNER = "Bank of no other test"
REQUEST = AnsweredRequest(PARTNER, "GET", "objects", "9cfa", 200, 0.0042, 0, 7, None, "192.0.2.1", None)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    handlers = access_log.log.handlers[:]
    yield
    access_log.log.handlers[:] = handlers
    access_log.log.propagate = True


def test_a_line_has_a_word_for_each_value_that_is_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    AccessLog("text").note(REQUEST)
    # Other threads of the tests' process may log meanwhile, requests too.
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


def test_nothing_is_written_where_it_is_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    AccessLog("off").note(REQUEST)
    assert not [record for record in caplog.records if PARTNER in record.getMessage()]
