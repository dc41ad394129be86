"""Parquet tables are read in a child process, so that a crash harms no other work."""

import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path

import polars
import pytest

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.readers.rows import Row


def written(**columns: object) -> bytes:
    out = BytesIO()
    polars.DataFrame(columns).write_parquet(out)
    return out.getvalue()


def fields(data: bytes) -> list[dict[str, str]]:
    return [dict(row.fields) for row in formats.read(BytesIO(data)) if isinstance(row, Row)]


def test_cells_are_texts_of_their_types() -> None:
    data = written(phone=[66812345678], first_seen=[date(2026, 1, 1)], confidence=[85.0], tlp=["TLP:GREEN"])
    assert fields(data) == [
        {"value": "66812345678", "kind": "phone", "first_seen": "2026-01-01", "confidence": "85", "tlp": "green"}
    ]


def test_all_rows_of_several_pieces_are_in_order() -> None:
    names = [f"h{number}.example.com" for number in range(120_000)]
    assert [row["value"] for row in fields(written(domain=names))] == names


def test_a_damaged_file_is_unreadable() -> None:
    data = written(domain=[f"h{number}.example.com" for number in range(1000)])
    for bad in (data[: len(data) // 2], data[:-8] + b"\xff" * 8, b"PAR1" + bytes(100) + b"PAR1", b"PAR1"):
        with pytest.raises(UnreadableFile, match="damaged"):
            fields(bad)


# A process that is small when it starts reading: the child's size begins with its parent's.
FIRST_ROW = """
import resource, sys
from feeds import formats
rows = formats.read(open(sys.argv[1], "rb"))
print(next(rows).fields["value"])
rows.close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.long
def test_a_small_file_of_very_many_rows_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    many = polars.select(polars.repeat("a.example.com", 20_000_000).alias("domain"))
    many.write_parquet(path, row_group_size=20_000_000)
    assert path.stat().st_size < 100_000
    output = subprocess.run([sys.executable, "-c", FIRST_ROW, path], capture_output=True, text=True, check=True).stdout
    value, size = output.split()
    assert value == "a.example.com"
    assert int(size) < 300_000


def test_missing_extra_is_named_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "polars.py").write_text("raise ImportError", encoding="utf-8")
    data = written(domain=["a.example.com"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UnreadableFile, match=r"scamfeed\[parquet\]"):
        fields(data)
