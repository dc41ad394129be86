"""Precision and recall of the readers, over documents with lists of their true values.

A document ``NAME.EXT`` has a truth list ``NAME.EXT.truth`` (a text ``NAME.txt`` also ``NAME.truth``), whose lines are a
word, a tab and a text; lines that begin with ``#`` are comments:

    language     th                               the main language
    KIND         KEY                              a value to report, by its key
    never        0812345678   victim              a text that must not become a report in any form, and the reason
    refused      1234         no bank named       a value that cannot be used, and has to be named as refused

A folder of two capitals above a document is its country, and ``seen`` or ``unseen`` its half of the corpus.

    python -m benchmarks.extraction [FOLDER…] [--misses]
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, Reject, map_stream
from schemas.refang import refang
from schemas.report import Report
from schemas.text import ascii_digits

CORPUS = Path("tests/extraction")
SEEN, UNSEEN = "seen", "unseen"
PROSE = "txt"
_HALVES = {"tuned": SEEN, SEEN: SEEN, UNSEEN: UNSEEN}
_COUNTRY = re.compile(r"[A-Z]{2}")
_NOT_ALNUM = re.compile(r"[\W_]+")
_FEWEST_DIGITS, _MOST_DIGITS = 5, 8

Value = tuple[str, str]


class Truth(NamedTuple):
    """The main language of a document, its values, the texts that must not be reported, and the unusable values."""

    language: str
    values: frozenset[Value]
    never: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]


class Document(NamedTuple):
    """A document of the corpus: its path, half, country, family of formats (the ending of its name) and truth list."""

    path: Path
    half: str
    country: str
    family: str
    truth: Truth

    @property
    def name(self) -> str:
        """Return a short name: the last two parts of the path."""
        return "/".join(self.path.parts[-2:])


class Score(NamedTuple):
    """The result of one document: values correctly found, wrongly found and missed.

    ``silent`` are the missed and unusable values that no reject names, with their kind. ``taken`` are the texts that
    must not be reported but were. ``error`` is the reason why the rest of the file was not read.
    """

    document: Document
    right: frozenset[Value]
    wrong: frozenset[Value]
    missed: frozenset[Value]
    silent: frozenset[Value]
    taken: tuple[tuple[str, str], ...]
    error: str = ""


class Total(NamedTuple):
    """The number of documents, and of their values by result."""

    documents: int
    right: int
    wrong: int
    missed: int
    silent: int
    taken: int

    @property
    def precision(self) -> float:
        """Return the share of found values that are true; 1 if none was found."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Return the share of true values that were found; 1 if there are none."""
        return _share(self.right, self.right + self.missed)


def documents(folders: Iterable[Path]) -> list[Document]:
    """Return the documents in ``folders`` and the folders in them, in the order of their paths."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            listed = next((truth for truth in _truth_paths(path) if truth.exists()), None)
            if listed is None or path.suffix == ".truth" or not path.is_file():
                continue
            parents = [parent.name for parent in path.resolve().parents]
            half = next((_HALVES[name] for name in parents if name in _HALVES), "")
            country = parents[0] if _COUNTRY.fullmatch(parents[0]) else ""
            found.append(Document(path, half, country, family(path.name), truth(listed)))
    return found


def family(name: str) -> str:
    """Return the family of formats of a file: the ending of its name, ``chat`` for a chat saved as text."""
    endings = name.lower().split(".")[1:]
    return "chat" if endings[-2:] == ["chat", PROSE] else endings[-1] if endings else ""


def _truth_paths(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.truth")
    if path.suffix == ".txt":
        yield path.with_suffix(".truth")


def truth(path: Path) -> Truth:
    """Read a truth list."""
    language, values, never, refused = "", set[Value](), list[tuple[str, str]](), list[tuple[str, str]]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition("\t")
        text, _, reason = (part.strip() for part in rest.partition("\t"))
        if word == "language":
            language = text
        elif word == "never":
            never.append((text, reason))
        elif word == "refused":
            refused.append((text, reason))
        else:
            values.add((word, text))
    return Truth(language, frozenset(values), tuple(never), tuple(refused))


def score(document: Document) -> Score:
    """Score one document, mapped like a user's file with only ``--country``: its format is recognised."""
    reports, rejects, error = set[Value](), list[str](), ""
    options = Options(reporter="scorer", defaults={"country": document.country} if document.country else {})
    with document.path.open("rb") as stream:
        try:
            for outcome in map_stream(stream, document.path.name, options):
                if isinstance(outcome, Mapped) and isinstance(outcome.report, Report):
                    reports.add(outcome.key)
                elif isinstance(outcome, Reject):
                    rejects.append(f"{outcome.raw} {outcome.message}")
        except (UnknownFormat, UnreadableFile) as fault:
            error = str(fault)
    true = document.truth.values
    wrong = reports - true
    unreported = [*(true - reports), *(("refused", text) for text, _ in document.truth.refused)]
    return Score(
        document,
        frozenset(reports & true),
        frozenset(wrong),
        frozenset(true - reports),
        frozenset() if error else frozenset(value for value in unreported if not _is_named(value[1], rejects)),
        tuple((text, reason) for text, reason in document.truth.never if any(_is_same(text, key) for _, key in wrong)),
        error,
    )


def _is_named(key: str, rejects: Iterable[str]) -> bool:
    """Return whether a reject shows the value with ``key``, which ends in a number, or shows another text."""
    text = _tail(key)
    if _is_number(text):
        end = _digits(text)[-_MOST_DIGITS:]
        return any(end in _digits(reject) for reject in rejects)
    return any(_compact(text) in _compact(reject) for reject in rejects)


def _is_same(text: str, key: str) -> bool:
    """Return whether a text of a document is the value with ``key``: numbers by their last digits."""
    tail = _tail(key)
    if _is_number(tail):
        digits = _digits(text).lstrip("0")
        return len(digits) >= _FEWEST_DIGITS and (_digits(tail).endswith(digits) or digits.endswith(_digits(tail)))
    return _compact(text) in (_compact(tail), _compact(key))


def _tail(key: str) -> str:
    """Return the value in a key, without its country and bank or its platform."""
    return re.sub(r"^(?:[A-Za-z0-9.-]+:)+(?!//)", "", key) or key


def _is_number(text: str) -> bool:
    digits = _digits(text)
    return len(digits) >= _FEWEST_DIGITS and digits == _compact(text)


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", ascii_digits(text))


def _compact(text: str) -> str:
    return _NOT_ALNUM.sub("", refang(ascii_digits(text))).casefold()


def total(scores: Iterable[Score], keep: Callable[[str], bool] = lambda _: True) -> Total:
    """Sum the scores of documents, of the kinds to ``keep``; the same value in two documents counts twice."""
    scores = list(scores)

    def count(values: Callable[[Score], Iterable[Value]]) -> int:
        return sum(keep(kind) for one in scores for kind, _ in values(one))

    return Total(
        len(scores),
        count(lambda one: one.right),
        count(lambda one: one.wrong),
        count(lambda one: one.missed),
        count(lambda one: one.silent),
        sum(len(one.taken) for one in scores),
    )


def groups(scores: Iterable[Score]) -> Iterator[tuple[str, Total]]:
    """Yield the totals of some scores: all, files and prose, by country, family of formats, kind and language."""
    scores = list(scores)
    prose = [one for one in scores if one.document.family == PROSE]
    files = [one for one in scores if one.document.family != PROSE]
    yield "all", total(scores)
    yield "files", total(files)
    yield "prose", total(prose)
    for country in sorted({one.document.country for one in scores} - {""}):
        for name, some in ((country, scores), (f"{country} files", files), (f"{country} prose", prose)):
            yield name, total(one for one in some if one.document.country == country)
    for family in sorted({one.document.family for one in scores}):
        yield f".{family}", total(one for one in scores if one.document.family == family)
    for kind in sorted({kind for one in scores for kind, _ in one.right | one.wrong | one.missed | one.silent}):
        some = [one for one in scores if any(kind == name for name, _ in one.right | one.wrong | one.missed)]
        yield kind, total(some, kind.__eq__)._replace(taken=0)
    for language in sorted({one.document.truth.language for one in scores} - {""}):
        yield f"language {language}", total(one for one in scores if one.document.truth.language == language)


def line(name: str, one: Total) -> str:
    """Format one line of the table."""
    counts = f"{one.documents:5} {one.right:6} {one.wrong:5} {one.missed:6} {one.precision:9.1%} {one.recall:7.1%}"
    return f"{name[:40]:40} {counts} {one.silent:6} {one.taken:5}"


def errors(one: Score) -> Iterator[str]:
    """Yield the lines that list the faults of a document, below its name."""
    silent = {key for _, key in one.silent}
    if one.error:
        yield f"    error  {one.error}"
    for kind, key in sorted(one.wrong):
        yield f"    wrong  {kind} {key}"
    for kind, key in sorted(one.missed):
        yield f"    missed {kind} {key}{' (silent)' if key in silent else ''}"
    for _, text in sorted(one.silent - one.missed):
        yield f"    silent {text}"
    for text, reason in one.taken:
        yield f"    taken  {text} ({reason})"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def main(arguments: list[str]) -> int:
    """Print the totals of each half; with ``--misses``, print the faults of each document first.

    Without folders, the faults of the unseen half are not listed: no reader is changed because of them.
    """
    folders = [Path(argument) for argument in arguments if argument != "--misses"]
    scores = [score(document) for document in documents(folders or [CORPUS])]
    if not scores:
        print("no documents: give a folder with NAME.EXT and NAME.EXT.truth for each", file=sys.stderr)
        return 2
    if "--misses" in arguments:
        for one in scores:
            if (folders or one.document.half != UNSEEN) and (found := list(errors(one))):
                print(f"{one.document.half} {one.document.name}", *found, sep="\n")
    for half in sorted({one.document.half for one in scores}):
        print(f"\n{half or 'documents':40}  docs  right wrong missed precision  recall silent never")
        for name, sums in groups(one for one in scores if one.document.half == half):
            print(line(name, sums))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
