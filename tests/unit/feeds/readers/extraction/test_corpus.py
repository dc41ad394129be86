"""Precision and recall over whole reports, those that the reader was made with and others."""

from pathlib import Path

import pytest

from benchmarks.extraction import Score, line, main, reports, score, total

FOLDER = Path(__file__).parents[4] / "extraction"
TUNED, UNSEEN = reports(FOLDER / "tuned"), reports(FOLDER / "unseen")


@pytest.mark.parametrize("report", TUNED, ids=[path.stem for path in TUNED])
def test_a_report_of_the_corpus_is_read_as_its_truth_list_says(report: Path) -> None:
    found = score(report)
    assert not found.wrong
    assert not found.missed


def test_reports_that_the_reader_was_not_made_with_are_read_well() -> None:
    scores = [score(report) for report in UNSEEN]
    assert len(scores) >= 8
    whole = total(scores)
    assert whole.precision >= 0.98, "\n".join(map(line, scores))
    assert whole.recall >= 0.95, "\n".join(map(line, scores))


def test_the_score_counts_what_is_right_wrong_and_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("DOMAINS:\n\n- a[.]example[.]com\n- b[.]example[.]com\n", encoding="utf-8")
    (tmp_path / "a.truth").write_text("# two\ndomain\ta.example.com\ndomain\tc.example.com\n", encoding="utf-8")
    (tmp_path / "without-truth.txt").write_text("DOMAINS:\n\n- a[.]example[.]com\n", encoding="utf-8")
    found = score(tmp_path / "a.txt")
    assert found == Score(
        "a",
        frozenset({("domain", "a.example.com")}),
        frozenset({("domain", "b.example.com")}),
        frozenset({("domain", "c.example.com")}),
    )
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert main([str(tmp_path), "--misses"]) == 0
    output = capsys.readouterr().out
    assert "50.0%" in output
    assert "missed domain c.example.com" in output
    assert main([str(tmp_path / "nothing")]) == 2
