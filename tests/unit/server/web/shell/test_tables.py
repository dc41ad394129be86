"""Tables: the titles of columns in the cells, the columns that a reader hides, and the small charts."""

from datetime import UTC

from flask import Flask

from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.store.operators.users import OperatorRole
from server.web.shell.hub_texts import RULE_TEXTS, short_reason, word_text
from server.web.shell.languages import ENGLISH, load_languages
from server.web.shell.saved_filters import saved_filters, with_filter
from server.web.shell.small_charts import SmallChart, SmallSeries
from server.web.shell.tables import hidden_columns, labelled, with_hidden
from tests.unit.server.web.shell.people import visitor_of


def test_each_cell_names_its_column() -> None:
    rows = '<tr class="x"><td>1</td><th scope="row">a</th></tr>\n<tr><td>2</td><td class="number">b</td></tr>'
    shown = labelled(rows, ['<input type="checkbox">', 'Name & "more"'], {1})
    label = ' data-label="Name &amp; &#34;more&#34;" hidden'
    first, second = shown.split("\n")
    assert first == f'<tr class="x"><td>1</td><th{label} scope="row">a</th></tr>'
    assert second == f'<tr><td>2</td><td{label} class="number">b</td></tr>'


def test_choice_of_columns_is_kept_by_table() -> None:
    kept = with_hidden(with_hidden("", "reviews", {3, 2}), "audit", {5})
    assert kept == "reviews.2.3_audit.5"
    assert hidden_columns(kept) == {"reviews": {2, 3}, "audit": {5}}
    assert with_hidden(kept, "reviews", ()) == "audit.5"


def test_hostile_cookies_hide_nothing() -> None:
    for kept in ("", "_", "reviews", "reviews.", "reviews.x", "Reviews.1", "a.1.2.", "x" * 4_000, "a.1 onload=x"):
        assert hidden_columns(kept) == {}, kept


def test_reader_hides_a_column_and_shows_it_again(app: Flask) -> None:
    viewer = visitor_of(app, OperatorRole.VIEWER)
    page = viewer.get("/console/partners").text
    assert 'data-label="Held" hidden' not in page
    token = {"table": "partners", "column": "3", "next": "/console/partners"}
    answer = viewer.send("/me/columns", "/console/partners", **token)
    assert answer.headers["Location"] == "/console/partners"
    assert 'data-label="Held" hidden' in viewer.get("/console/partners").text
    viewer.send("/me/columns", "/console/partners", **token, shown="3")
    assert 'data-label="Held" hidden' not in viewer.get("/console/partners").text


def test_choice_leads_to_no_other_host_and_needs_a_table(app: Flask) -> None:
    viewer = visitor_of(app, OperatorRole.VIEWER)
    answer = viewer.send("/me/columns", "/console/partners", table="partners", next="https://evil.example/")
    assert answer.headers["Location"] == "/me"
    assert viewer.send("/me/columns", "/console/partners", table='"><x').status_code == 422


def test_filter_of_reviews_is_saved_opened_and_removed(app: Flask) -> None:
    viewer = visitor_of(app, OperatorRole.VIEWER)
    place = "/console/reviews?age=24&partner=First+%26+Bank"
    answer = viewer.send(
        "/me/filters", place, **{"filter-name": " Old  ones", "age": "24", "partner": "First & Bank", "state": "open"}
    )
    assert answer.headers["Location"] == "/console/reviews?state=open&partner=First+%26+Bank&age=24"
    page = viewer.get("/console/reviews").text
    assert 'href="/console/reviews?state=open&amp;partner=First+%26+Bank&amp;age=24">Old ones</a>' in page
    viewer.send("/me/filters", "/console/reviews", remove="Old ones")
    assert "Old ones" not in viewer.get("/console/reviews").text
    assert viewer.send("/me/filters", "/console/reviews", age="24").status_code == 422


def test_hostile_filters_are_left_out() -> None:
    assert saved_filters("&".join(["a=b"] * 20)) == []
    assert saved_filters("%0a=x&" + "n" * 50 + "=x&=x") == []
    assert saved_filters("a=x%3D%22%3E%26javascript%3A") == [("a", "x=%22%3E")]
    kept = ""
    for number in range(12):
        kept = with_filter(kept, f"Filter {number}", {"partner": "ก" * 60})
    assert [name for name, _ in saved_filters(kept)][-1] == "Filter 11"
    assert len(kept) <= 3_500


def test_every_rule_has_a_short_reason_in_words() -> None:
    language = load_languages(UTC)[ENGLISH]
    codes = {*ALLOWLISTS, *RULE_TEXTS}
    assert [code for code in codes if short_reason(language, code) in (code, "")] == []
    assert [code for code in codes if len(short_reason(language, code).split()) > 3] == []
    assert [code for code in codes if word_text(language, code) == code] == []


def chart(form: str, *values: list[float | None]) -> SmallChart:
    series = [SmallSeries(str(number), each, [str(value) for value in each]) for number, each in enumerate(values)]
    return SmallChart("a", "", "", "", ["1", "2", "3"], series, "", form=form)  # type: ignore[arg-type]


def test_bars_stand_on_each_other_and_fill_the_drawing() -> None:
    bars = chart("bars", [1, 0, 2], [1, 0, 2]).bars
    assert [(bar.series, bar.y, bar.height) for bar in bars] == [(1, 45, 15), (2, 30, 15), (1, 30, 30), (2, 0, 30)]


def test_unknown_value_interrupts_a_line() -> None:
    lines = chart("lines", [1, None, 2]).lines
    assert [number for number, _ in lines] == [1, 1]
    assert all(len(points.split()) == 2 for _, points in lines)
    assert chart("lines", [None, None, 0]).is_empty
