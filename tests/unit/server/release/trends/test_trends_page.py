"""The page of figures says what the code counts."""

from tools import trends_page


def test_the_tables_are_those_of_the_code() -> None:
    page = trends_page.PAGE.read_text(encoding="utf-8")
    assert trends_page.rewritten(page) == page
