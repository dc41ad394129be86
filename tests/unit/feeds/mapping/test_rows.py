"""Every row is mapped, a duplicate, or rejected with a reason, and the counts match."""

import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from feeds.mapping.options import Options
from feeds.mapping.output import StixWriter
from feeds.mapping.rows import Counts, Duplicate, Mapped, Reject, map_stream
from feeds.mapping.seen import SeenValues
from schemas.vocabulary import Tlp


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["domain", "url"]), st.text(max_size=3))))
def test_a_value_is_new_the_first_time_only(values: list[tuple[str, str]]) -> None:
    seen, known = SeenValues(), set()
    for kind, value in values:
        assert seen.add(kind, value) == ((kind, value) not in known)
        known.add((kind, value))
    assert len(seen) == len(known)


@pytest.mark.long
def test_many_values_stay_known_and_take_little_memory() -> None:
    tracemalloc.start()
    seen = SeenValues()
    assert all(seen.add("domain", f"{number}.example.com") for number in range(50_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not any(seen.add("domain", f"{number}.example.com") for number in range(50_000))
    assert len(seen) == 50_000
    assert size < 32 * 50_000


OPTIONS = Options(reporter="Example Bank", kind="domain", reported_at=datetime(2026, 1, 15, tzinfo=UTC))


def outcomes(text: str | bytes, options: Options = OPTIONS) -> list[Mapped | Duplicate | Reject]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(map_stream(io.BytesIO(data), "reports.txt", options))


def test_each_row_has_an_outcome() -> None:
    mapped, duplicate, reject = outcomes("bad.example.com\nhxxp://BAD[.]example.com/\nco.th\n")
    assert isinstance(mapped, Mapped)
    assert mapped.report.value == "bad.example.com"
    assert isinstance(duplicate, Duplicate)
    assert reject == Reject("reports.txt", 3, "co.th", "domain", "public-suffix", reject.message)  # type: ignore[union-attr]  # it is one


def test_values_of_earlier_streams_are_duplicates_too() -> None:
    seen = SeenValues()
    first = list(map_stream(io.BytesIO(b"bad.example.com\n"), "a", OPTIONS, seen))
    second = list(map_stream(io.BytesIO(b"bad.example.com\n"), "b", OPTIONS, seen))
    assert [type(outcome) for outcome in (*first, *second)] == [Mapped, Duplicate]


def test_cells_win_over_options() -> None:
    (mapped,) = outcomes(
        "value,tlp,scam_type\nbad.example.com,red,romance\n", Options("X", kind="domain", format="csv")
    )
    assert isinstance(mapped, Mapped)
    assert (mapped.report.tlp, mapped.report.scam_type) == (Tlp.RED, "romance")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), max_size=20))
def test_no_text_breaks_the_mapping_and_every_row_is_counted(lines: list[str]) -> None:
    counts = Counts()
    for outcome in outcomes("\n".join(lines), Options("X", kind="domain", format="list")):
        counts.add(outcome)
    assert counts.read == counts.mapped + counts.duplicates + sum(counts.rejected.values())
    assert counts.as_dict()["read"] == counts.read <= sum(len(line.splitlines() or [""]) for line in lines)


@pytest.mark.parametrize("name", ["out.jsonl", "out.json"])
def test_output_has_each_object_and_its_references_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = "value,tlp\na.example.com,clear\nb.example.com,amber\nc.example.com,clear\n"
    options = Options("Example Bank", kind="domain", format="csv")
    with StixWriter.to(path, options) as sink:
        for outcome in outcomes(rows, options):
            assert isinstance(outcome, Mapped)
            sink.write(outcome)
    text = path.read_text(encoding="utf-8")
    objects = json.loads(text)["objects"] if name == "out.json" else [json.loads(line) for line in text.splitlines()]
    ids = [obj["id"] for obj in objects]
    assert len(ids) == len(set(ids))
    assert sum(obj["type"] == "indicator" for obj in objects) == 3
    referred = {
        ref for obj in objects for ref in [obj.get("created_by_ref"), *obj.get("object_marking_refs", [])] if ref
    }
    assert referred <= set(ids)


@pytest.mark.parametrize(("name", "expected"), [("out.jsonl", ""), ("out.json", [])])
def test_document_without_reports_is_valid(tmp_path: Path, name: str, expected: object) -> None:
    with StixWriter.to(tmp_path / name, OPTIONS):
        pass
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert (json.loads(text)["objects"] if name == "out.json" else text) == expected


def test_lone_surrogate_is_handled(tmp_path: Path) -> None:
    columns = {"value": "a.example.com", "kind": "domain"}
    rows = [
        {**columns, "value": "\ud800.com"},
        {**columns, "description": "x\ud800"},
        {**columns, "value": "b.example.com", "reference": "\udfff"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    bad, *good = outcomes(text, Options("X", format="jsonl"))
    assert isinstance(bad, Reject)
    assert bad.reason == "domain-form"
    with StixWriter.to(tmp_path / "out.json", OPTIONS) as sink:
        for outcome in good:
            assert isinstance(outcome, Mapped)
            sink.write(outcome)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["objects"]


def test_a_document_is_complete_even_if_mapping_fails(tmp_path: Path) -> None:
    def break_off() -> None:
        with StixWriter.to(tmp_path / "out.json", OPTIONS):
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["objects"] == []
