"""Each fault of a file has advice in the reader's language."""

import pytest

from server.features.uploads.faults import advice


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("the gzip data is cut off or damaged: fetch the file again", "The file is damaged"),
        ("this file is larger than 64 MiB: split it, or save it as CSV", "too large"),
        ("this is not text in a known encoding: save it as UTF-8", "UTF-8"),
        ("this is not text but a PNG picture", "does not read files of this type"),
        ("this is not a complete JSON document: its lists are nested too deeply", "structure"),
        ("something new", "cannot read this file"),
    ],
)
def test_fault_has_advice(error: str, expected: str) -> None:
    assert expected in advice(error)
