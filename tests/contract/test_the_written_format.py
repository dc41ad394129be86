"""The format of ``docs/writing-a-format.md``, tested like every format: the page is correct."""

import re
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import pytest

from feeds import formats
from feeds.format import Example, Format
from tests.contract import test_formats as contract

PAGE = (Path(__file__).parents[2] / "docs" / "writing-a-format.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def _format() -> Format:
    names: dict[str, type[Format]] = {"__name__": "written_format"}  # type: ignore[dict-item]  # as every module has
    exec(compile(CODE, "writing-a-format.md", "exec"), names)  # noqa: S102 - our own page
    return names["Unbound"]()


UNBOUND = _format()
EXAMPLES = list(UNBOUND.examples())


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    every = MappingProxyType({**formats.every(), UNBOUND.name: UNBOUND})
    monkeypatch.setattr(formats, "every", lambda: every)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_read_as_documented_in_every_form(example: Example) -> None:
    contract.test_an_example_gives_its_rows_and_reasons(UNBOUND.name, example)
    contract.test_an_example_is_recognised_by_its_content(UNBOUND.name, example)
    contract.test_gzip_changes_nothing(UNBOUND.name, example)
    contract.test_byte_by_byte_pipe_changes_nothing(UNBOUND.name, example)


def test_other_line_ends_excerpts_and_endless_files_are_read() -> None:
    contract.test_crlf_and_cr_and_a_mark_in_front_change_nothing(UNBOUND.name)
    contract.test_lines_of_a_line_format_read_the_same_in_any_excerpt(UNBOUND.name)
    contract.test_rows_are_read_before_the_end_of_the_file(UNBOUND.name)


def test_written_reports_of_the_page_format_read_back() -> None:
    contract.test_written_reports_read_back(UNBOUND.name)
    contract.test_a_file_without_reports_can_be_read(UNBOUND.name)


def test_first_file_of_the_page_is_recognised() -> None:
    (shown,) = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert formats.recognise(shown.encode()) == UNBOUND.name
    rows = list(formats.read(BytesIO(shown.encode())))
    assert [getattr(row, "fields", row) for row in rows] == [{"value": "shop.example.com"}]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) & set(vars(Format))))
def test_explained_properties_exist(name: str) -> None:
    assert hasattr(Format, name)


def test_every_property_of_a_format_is_explained() -> None:
    properties = [name for name in Format.__annotations__ if not name.startswith("_")]
    assert [name for name in properties if f"`{name}`" not in PAGE] == []


def test_line_guarantee_covers_the_named_formats() -> None:
    section = PAGE[PAGE.index("may the file be cut?") : PAGE.index("## Rows")]
    for names, promised in re.findall(r"^\| (`[^|]+`) \| `(True|False)` \|", section, re.MULTILINE):
        for name in re.findall(r"`([\w-]+)`", names):
            assert str(formats.get(name).lines) == promised
