"""No table reveals the reports of few organisations, and no total reveals them either."""

from hypothesis import given, strategies as st

from server.features.trends.suppression import LEAST, LEAST_ORGANISATIONS, CountedBy, rounded, shown, together

MANY = frozenset({"a", "b", "c"})
CELLS = st.dictionaries(
    st.text("xyz", min_size=1, max_size=2),
    st.builds(CountedBy, st.integers(0, 12), st.frozensets(st.sampled_from("abcd"), min_size=1)),
)


def test_cell_with_few_events_or_organisations_is_hidden() -> None:
    cells = {"x": CountedBy(9, MANY), "y": CountedBy(4, MANY), "z": CountedBy(90, frozenset({"a", "b"}))}
    assert shown(cells) == {"x"}


def test_one_hidden_cell_hides_another() -> None:
    cells = {"x": CountedBy(90, MANY), "y": CountedBy(40, MANY), "z": CountedBy(30, frozenset({"a"}))}
    assert shown(cells) == {"x"}


def test_large_cells_are_all_shown() -> None:
    assert shown({"x": CountedBy(5, MANY), "y": CountedBy(6, MANY), "z": CountedBy(0, frozenset())}) == {"x", "y"}


@given(CELLS)
def test_hidden_part_of_a_total_covers_at_least_two_cells(cells: dict[str, CountedBy]) -> None:
    visible = shown(cells)
    assert all(cells[word].number >= LEAST for word in visible)
    assert all(len(cells[word].organisations) >= LEAST_ORGANISATIONS for word in visible)
    hidden = [cell for word, cell in cells.items() if word not in visible and cell.number]
    assert not visible or not hidden or (len(hidden) >= 2 and together(hidden).is_enough)


def test_an_amount_keeps_two_digits() -> None:
    assert [rounded(amount) for amount in (0, 7, 99, 101, 123_456)] == [0, 7, 99, 100, 120_000]
