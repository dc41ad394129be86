"""Precision and recall over whole documents: those used during development, and others."""

from pathlib import Path

import pytest

from benchmarks.extraction import PROSE, SEEN, UNSEEN, Document, documents, errors, main, score, total
from schemas import kinds

FOLDER = Path(__file__).parents[4] / "extraction"
TUNED = documents([FOLDER / "tuned"])
# The target is zero everywhere: lower these numbers with each corrected mistake, and never raise them.
MOST_TAKEN = {"TH": 1}
COUNTRIES = ("AU", "BR", "DE", "GB", "HK", "ID", "IN", "MY", "PH", "SG", "TH", "US", "VN")


@pytest.mark.parametrize("document", TUNED, ids=[one.path.stem for one in TUNED])
def test_report_of_the_corpus_matches_its_truth_list(document: Document) -> None:
    found = score(document)
    assert not found.wrong
    assert not found.missed


def test_unseen_reports_are_read_well() -> None:
    scores = [score(one) for one in documents([FOLDER / UNSEEN]) if not one.country]
    assert len(scores) >= 8
    whole = total(scores)
    faults = "\n".join(fault for one in scores for fault in errors(one))
    assert whole.precision >= 0.98, faults
    assert whole.recall >= 0.95, faults


@pytest.mark.long_but("AU", "IN")
@pytest.mark.parametrize("country", COUNTRIES)
def test_documents_of_a_country_keep_their_score(country: str) -> None:
    scores = [score(one) for one in documents([FOLDER / "documents" / SEEN / country])]
    files = total(one for one in scores if one.document.family != PROSE)
    prose = total(one for one in scores if one.document.family == PROSE)
    faults = "\n".join(f"{one.document.name}: {fault}" for one in scores for fault in errors(one))
    assert files.taken + prose.taken <= MOST_TAKEN.get(country, 0), faults
    assert files.precision >= 0.95, faults
    assert files.recall >= 0.6, faults
    # One wrong value is a small share only if enough values are found.
    assert prose.wrong <= max(1, 0.05 * (prose.right + prose.wrong)), faults


def test_score_counts_right_wrong_missed_silent_and_taken_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "seen" / "TH"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(
        "phone,bank,account\n0812345678,,\n0812345679,,\n,KBANK,1234567890\n,,9876543210\n,,12\n", encoding="utf-8"
    )
    (folder / "a.csv.truth").write_text(
        "# a sheet\nlanguage\ten\nphone\t+66812345678\nphone\t+66812345670\nbank-account\tTH:KASITHBK:9876543210\n"
        "never\t081-234-5679\tvictim\nnever\t1234567891\tbank\nrefused\t12\tno bank\nrefused\t13\tno bank\n",
        encoding="utf-8",
    )
    (folder / "without-truth.csv").write_text("phone\n0812345678\n", encoding="utf-8")
    [document] = documents([tmp_path])
    assert (document.country, document.half, document.family, document.truth.language) == ("TH", "seen", "csv", "en")
    found = score(document)
    assert found.right == {("phone", "+66812345678")}
    assert found.wrong == {("phone", "+66812345679"), ("bank-account", "TH:KASITHBK:1234567890")}
    assert found.missed == {("phone", "+66812345670"), ("bank-account", "TH:KASITHBK:9876543210")}
    assert found.silent == {("phone", "+66812345670"), ("refused", "13")}
    assert found.taken == (("081-234-5679", "victim"),)
    whole = total([found])
    assert (round(whole.precision, 2), whole.recall, whole.silent, whole.taken) == (0.33, 1 / 3, 2, 1)
    assert total([found], "phone".__eq__).wrong == 1
    assert main([str(tmp_path), "--misses"]) == 0
    output = capsys.readouterr().out
    assert "missed phone +66812345670 (silent)" in output
    assert "TH files" in output
    assert "language en" in output
    assert main([str(tmp_path / "nothing")]) == 2


def test_a_file_of_no_format_misses_its_values_and_names_the_fault(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0")
    (tmp_path / "a.db.truth").write_text("domain\ta.example.com\n", encoding="utf-8")
    [document] = documents([tmp_path])
    found = score(document)
    assert "SQLite" in found.error
    assert (found.missed, found.silent) == ({("domain", "a.example.com")}, frozenset())


def test_truth_lists_have_keys_of_known_kinds() -> None:
    for document in documents([FOLDER]):
        for kind, key in document.truth.values:
            assert kind in kinds.every(), document.path
            assert kinds.get(kind).key(key) == key, document.path
