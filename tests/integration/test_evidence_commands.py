"""``scamfeed evidence``: files are kept, given to those of the case alone, and written as a bag."""

import pytest

from tests.integration.command import Run


@pytest.mark.parametrize("words", [("evidence", "indicator--1"), ("evidence", "object", "indicator--1")])
def test_an_id_without_a_command_is_that_of_an_object(run_with_store: Run, words: tuple[str, ...]) -> None:
    assert "indicator--1" in run_with_store(*words).stderr
    assert "ID" in run_with_store("evidence", "object", "--help").stdout
    assert "object" in run_with_store("evidence", "--help").stdout
