"""No table tells what few organisations reported, and neither does its total."""

from hypothesis import given, strategies as st

from server.release.trends.suppression import LEAST, LEAST_ORGANISATIONS, CountedBy, rounded, shown, together

MANY = frozenset({"a", "b", "c"})
CELLS = st.dictionaries(
    st.text("xyz", min_size=1, max_size=2),
    st.builds(CountedBy, st.integers(0, 12), st.frozensets(st.sampled_from("abcd"), min_size=1)),
)


def test_a_cell_of_few_or_by_few_is_not_shown() -> None:
    cells = {"x": CountedBy(9, MANY), "y": CountedBy(4, MANY), "z": CountedBy(90, frozenset({"a", "b"}))}
    assert shown(cells) == {"x"}


def test_one_hidden_cell_takes_another_along() -> None:
    cells = {"x": CountedBy(90, MANY), "y": CountedBy(40, MANY), "z": CountedBy(30, frozenset({"a"}))}
    assert shown(cells) == {"x"}


def test_where_all_are_enough_all_are_shown() -> None:
    assert shown({"x": CountedBy(5, MANY), "y": CountedBy(6, MANY), "z": CountedBy(0, frozenset())}) == {"x", "y"}


@given(CELLS)
def test_what_is_hidden_of_a_total_is_enough_of_at_least_two(cells: dict[str, CountedBy]) -> None:
    visible = shown(cells)
    assert all(cells[word].number >= LEAST for word in visible)
    assert all(len(cells[word].organisations) >= LEAST_ORGANISATIONS for word in visible)
    hidden = [cell for word, cell in cells.items() if word not in visible and cell.number]
    assert not visible or not hidden or (len(hidden) >= 2 and together(hidden).is_enough)


def test_an_amount_keeps_two_digits() -> None:
    assert [rounded(amount) for amount in (0, 7, 99, 101, 123_456)] == [0, 7, 99, 100, 120_000]
