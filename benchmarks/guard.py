"""The guard on real reports: which lists hold how many, which personal data is found, and the speed.

``--reports=FOLDER`` reads another folder than the reports of the demonstration, in any format that feeds support.
"""

import gzip
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

from benchmarks import personal as corpus
from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, map_stream
from mappers.indicator import to_stix
from schemas.report import Report
from server.release.guard.allowlists.lookup import Allowlists
from server.release.guard.personal_data import objects

DEMO = Path(__file__).parent.parent / "server" / "demo" / "reports"
REPEATS = 20_000
ALLOWLISTS = Allowlists()


def rows() -> Iterator[list[object]]:
    """Yield the table's rows."""
    named = [each.partition("=")[2] for each in sys.argv if each.startswith("--reports=")]
    folder = Path(named[0]) if named else DEMO
    shown: dict[str, Report] = {}
    by_list: Counter[str] = Counter()
    personal_data: Counter[bool] = Counter()
    total = 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        taken, held = _held(file, shown, personal_data)
        if taken:
            by_list += held
            total += taken
            yield [f"held of {file.name}", held.total(), "reports", taken, f"{held.total() / taken:.2%}"]
    yield ["held of all", by_list.total(), "reports", total, f"{by_list.total() / max(1, total):.2%}"]
    for name, count in by_list.most_common():
        yield [f"held by {name}", count, "", "", ""]
    told, refused = personal_data.total(), personal_data[True]
    yield ["objects of these refused for personal data", refused, "of", told, f"{refused / max(1, told):.2%}"]
    yield from corpus.rows()
    for kind, report in sorted(shown.items()):
        indicator = next(each for each in to_stix(report) if each["type"] == "indicator")
        looked_up = _micros(lambda r=report: ALLOWLISTS.match(r))
        yield [f"{kind}: looked up in the lists, µs", round(looked_up, 2), "target", 5, f"{5 / looked_up:.1f}x"]
        read = _micros(lambda obj=indicator: objects.refuse_personal_data(obj))
        yield [f"{kind}: read for personal data, µs", round(read, 2), "target", 3, f"{3 / read:.1f}x"]


def _held(file: Path, shown: dict[str, Report], refused: Counter[bool]) -> tuple[int, Counter[str]]:
    """Count the reports in a file, and how many of them each list holds.

    ``shown`` gets one report of each kind. ``refused`` counts the objects made of them, by whether they were refused
    for personal data.
    """
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    taken, held = 0, Counter[str]()
    try:
        for each in map_stream(BytesIO(content), file.name.removesuffix(".gz"), Options(reporter="Example Bank")):
            if isinstance(each, Mapped) and isinstance(each.report, Report):
                taken += 1
                shown.setdefault(each.report.kind, each.report)
                refused.update(corpus.is_refused(obj) for obj in each.objects)
                if (hit := ALLOWLISTS.match(each.report)) is not None:
                    held[hit.list] += 1
    except (UnknownFormat, UnreadableFile):
        pass  # licences and sources are in the same folder
    return taken, held


def _micros(once: Callable[[], object]) -> float:
    """Return the processor time of one call, in microseconds."""
    once()
    start = time.process_time()
    for _ in range(REPEATS):
        once()
    return (time.process_time() - start) / REPEATS * 1e6
