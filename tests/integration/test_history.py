"""``scamfeed export --history`` writes every version once, by day, for the queries of the guide."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import orjson
import polars as pl
import pytest
from sqlalchemy import text

from server.store import Store, collections, log
from server.store.objects.query import EVERY, Query
from tests.initial_stores import initial_url
from tests.integration.command import Run, answer

GUIDE = Path(__file__).parents[2] / "docs" / "history.md"
DAY = 86_400 * 1_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a hub with three listings, one of them delisted on the next day."""
    chosen = initial_url(request, tmp_path, "scamfeed.db")
    monkeypatch.setenv("SCAMFEED_DATABASE_URL", chosen)
    assert run("partner", "add", "First", "--kind", "platform", "--vouched").exit_code == 0
    rows = "a.example.com\nb.example.com\nc.example.com\n"
    assert run("contribute", "-", "--partner", "First", "--kind", "domain", stdin=rows).exit_code == 0
    next_day(chosen)
    assert run("retract", "b.example.com", "--reason", "x").exit_code == 0
    return chosen


def next_day(url: str) -> None:
    """Let the collections continue one day later."""
    with closing(Store.open(url)) as store, store.begin() as tx:
        tx.execute(text("UPDATE collections SET last_added = last_added + :day"), {"day": DAY})


def logged(url: str, alias: str = "takedown") -> list[bytes]:
    with closing(Store.open(url)) as store, store.read() as tx:
        asked = Query(spec_versions=("2.0", "2.1"), versions=EVERY)
        return log.page(tx, collections.get(tx, alias), asked).bodies


def written(run: Run, *more: str, to: str = "history") -> list[dict[str, Any]]:
    found = answer(run("export", "--collection", "takedown", "--history", "--output", to, "--json", *more))
    days: list[dict[str, Any]] = found["days"]
    return days


def bodies(folder: str = "history") -> list[bytes]:
    files = sorted(Path(folder).glob("collection=takedown/*/*.parquet"))
    return [body.encode() for file in files for body in pl.read_parquet(file)["body"]]


def test_every_version_is_there_once_and_in_order(url: str, run: Run) -> None:
    days = written(run)
    assert [day["versions"] for day in days] == [len(logged(url)) - 1, 1]
    assert bodies() == logged(url)


def test_rows_match_the_objects(url: str, run: Run) -> None:
    written(run)
    rows = pl.read_parquet("history/**/*.parquet").filter(type="indicator").sort("date_added").to_dicts()
    assert [row["value"] for row in rows] == ["a.example.com", "b.example.com", "c.example.com", "b.example.com"]
    assert [row["revoked"] for row in rows] == [False, False, False, True]
    for row in rows:
        obj = orjson.loads(row["body"])
        assert (row["id"], row["confidence"]) == (obj["id"], obj["confidence"])
        assert row["version"].isoformat(timespec="milliseconds") == obj["modified"].replace("Z", "+00:00")
        assert (row["kind"], row["grade"], row["tlp"], row["reporters"]) == ("domain", "warn", "amber", 1)


def test_only_the_newest_day_and_new_days_are_written_again(url: str, run: Run) -> None:
    written(run)
    first, *_ = Path("history/collection=takedown").iterdir()
    marks = {path: path.stat().st_ino for path in Path("history").rglob("*.parquet")}
    next_day(url)
    assert run("contribute", "-", "--partner", "First", "--kind", "domain", stdin="d.example.com\n").exit_code == 0
    days = written(run)
    assert len(days) == 2
    assert bodies() == logged(url)
    kept = [path for path, mark in marks.items() if path.stat().st_ino == mark]
    assert len(kept) == 1
    assert len(written(run, "--since", "2026-01-01T00:00:00Z")) == 3
    assert bodies() == logged(url)
    assert first.exists()


def test_a_day_of_many_versions_has_several_parts(url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.mapping.export._ROWS_IN_PART", 2)
    monkeypatch.setattr("feeds.mapping.export._PAGE", 3)
    assert [day["parts"] for day in written(run)] == [-(-(len(logged(url)) - 1) // 2), 1]
    assert bodies() == logged(url)
    monkeypatch.setattr("feeds.mapping.export._ROWS_IN_PART", 3)
    written(run, "--since", "2026-01-01T00:00:00Z")
    assert bodies() == logged(url)


def test_any_fsspec_folder_can_be_the_target(url: str, run: Run) -> None:
    files = fsspec.filesystem("memory")
    try:
        written(run, to="memory://bucket/history")
        assert len(written(run, to="memory://bucket/history")) == 1
        parts = sorted(files.find("/bucket/history/collection=takedown"))
        found = [body.encode() for part in parts for body in pl.read_parquet(files.cat_file(part))["body"]]
        assert found == logged(url)
    finally:
        files.rm("/bucket", recursive=True)


def test_the_queries_of_the_guide_run(url: str, run: Run) -> None:
    written(run)
    guide = GUIDE.read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (query,) = re.findall(r"^```sql\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - what the guide shows
    assert names["listings"]["value"].to_list() == ["a.example.com", "c.example.com"]
    assert names["listings"]["versions"].to_list() == [1, 1]
    rows = pl.SQLContext(versions=names["versions"]).execute(query).collect().to_dicts()
    assert [(row["kind"], row["listings"], row["delisted"]) for row in rows] == [("domain", 3, 0), ("domain", 1, 1)]


def test_write_errors_are_reported(run: Run, tmp_path: Path) -> None:
    assert run("init").exit_code == 0
    asked = ("export", "--collection", "takedown", "--history")
    assert "--output" in run(*asked).stderr
    assert "leave it out" in run(*asked, "--format", "csv", "--output", "x").stderr
    assert "never read" in run("export", "--collection", "inbox", "--history", "--output", "x").stderr
    assert "--history" in run("export", "--collection", "takedown").stderr
    (tmp_path / "file").write_text("")
    refused = run(*asked, "--output", "file")
    assert (refused.exit_code, "file: cannot be written" in refused.stderr) == (2, True)
    assert "nowhere://" in run(*asked, "--output", "nowhere://x").stderr
