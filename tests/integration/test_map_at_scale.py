"""Mapping on several processors and on a cluster gives the same objects, counts and rejects."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

LINES = [
    *(f"shop-{number}.example.com" for number in range(9_000)),
    "# a comment",
    "co.th",
    *(f"shop-{number}.example.com" for number in range(0, 9_000, 7)),
    "not a domain",
    "x" * 70_000,
    *(f"HXXPS://shop-{number}[.]example[.]com/" for number in range(8_990, 9_010)),
    "ร้านค้า.example.com",
]
HEADED = [
    "value,scam_type,tlp",
    *(f"mall-{n}.example.com,investment,{'clear' if n % 3 else 'red'}" for n in range(9_000)),
]


def scamfeed(*arguments: str | Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "server.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    plain, packed, table = tmp_path / "list.txt", tmp_path / "more.txt.gz", tmp_path / "table.csv"
    plain.write_text("\n".join(LINES), encoding="utf-8")
    packed.write_bytes(gzip.compress("\r\n".join(reversed(LINES)).encode("utf-16")))
    table.write_text("\n".join([*HEADED, HEADED[5], 'shop,"broken']), encoding="utf-8")
    return [plain, packed, table]


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_two_processes_write_the_same_as_one(files: list[Path], tmp_path: Path, ending: str) -> None:
    results = []
    for jobs in ("1", "2"):
        out, rejects = tmp_path / f"out-{jobs}.{ending}", tmp_path / f"rejects-{jobs}"
        counts = scamfeed("map", *files, "--kind", "domain", "--output", out, "--rejects", rejects, "--jobs", jobs)
        objects = _lines(out) if ending == "jsonl" else json.loads(out.read_bytes())["objects"]
        results.append((counts, Counter(json.dumps(one) for one in objects), rejects.read_text().splitlines()))
    (alone, objects, rejects), (together, same_objects, same_rejects) = results
    assert together == alone
    assert alone["mapped"] > 18_000
    assert alone["duplicates"] > 9_000
    assert same_objects == objects
    assert max(objects.values()) == 1
    assert same_rejects == rejects


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_two_processes_write_the_same_bytes_in_the_same_order(tmp_path: Path, ending: str) -> None:
    levels = ["green", "amber", "clear", "red"]
    rows = [
        f"+6681{2345678 + number % 3000:07},https://h{number}.example.com/,"
        f"{levels[number // 1500 % 4]},0{number % 9 + 1}/11/2026"
        for number in range(6500)
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["phone,url,tlp,date", *rows, "+66812345678,co.th,,25/11/2026"]), encoding="utf-8")
    written = []
    for jobs in ("1", "2"):
        out = tmp_path / f"out-{jobs}.{ending}"
        counts = scamfeed("map", table, "--output", out, "--jobs", jobs)
        written.append((counts, out.read_bytes()))
    assert written[0] == written[1]
    assert written[0][1].count(b'"type":"grouping"') == 6500


def test_damaged_file_is_mapped_up_to_the_damage(tmp_path: Path) -> None:
    cut = tmp_path / "cut.txt.gz"
    cut.write_bytes(gzip.compress("\n".join(LINES).encode())[:-200])
    seen = []
    for jobs in ("1", "2"):
        command = [sys.executable, "-m", "server.cli", "map", str(cut), "--kind", "domain", "--jobs", jobs, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 2
        assert "cut off" in done.stderr
        seen.append(json.loads(done.stdout))
    assert seen[0] == seen[1]
    assert seen[0]["mapped"] > 1_000


def test_a_cluster_of_two_workers_maps_file_by_file(files: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("dask.distributed")
    folder = tmp_path / "out"
    counts = scamfeed("map-cluster", *files, "--kind", "domain", "--cluster", "local:2", "--output", folder)
    separate = [scamfeed("map", each, "--kind", "domain", "--output", tmp_path / "one.jsonl") for each in files]
    assert counts["read"] == sum(one["read"] for one in separate)
    assert counts["mapped"] == sum(one["mapped"] for one in separate)
    ids = [{one["id"] for one in _lines(folder / f"{each.name}.jsonl")} for each in files]
    # The second file repeats the first, so the objects are the same.
    assert ids[0] == ids[1]
    rejected = (folder / "list.txt.rejects.jsonl").read_text().splitlines()
    assert Counter(json.loads(line)["reason"] for line in rejected)["public-suffix"] == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_cluster_of_two_workers_contributes_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("dask.distributed")
    monkeypatch.chdir(tmp_path)
    if database == "postgresql":
        postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv("SCAMFEED_DATABASE_URL", postgres.url(postgres.database()))
    run = [sys.executable, "-m", "server.cli"]
    subprocess.run([*run, "init"], check=True, capture_output=True)
    added = [*run, "partner", "add", "First", "--kind", "platform", "--vouched"]
    subprocess.run(added, check=True, capture_output=True)
    files = []
    for number in range(3):
        # Each file shares values with the next one, which another worker contributes at the same time.
        names = (f"shop-{value}.example.com" for value in range(number * 1_500, number * 1_500 + 2_000))
        files.append(tmp_path / f"part-{number}.txt")
        files[-1].write_text("\n".join([*names, "co.th"]))
    command = (
        "map-cluster",
        *files,
        "--kind",
        "domain",
        "--cluster",
        "local:2",
        "--output",
        "out",
        "--partner",
        "First",
    )
    counts = scamfeed(*command)
    assert (counts["read"], counts["mapped"], counts["rejected"]) == (6_003, 6_000, {"public-suffix": 3})
    assert counts["results"]["published"] == 6_000
    assert scamfeed(*command) == counts
    exported = scamfeed("export", "--collection", "takedown", "--format", "list", "--output", "active.txt")
    assert exported["active"] == exported["written"] == 5_000
