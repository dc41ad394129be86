"""Write the tables of docs/trends.md from the figures in the code: ``python -m tools.trends_page``."""

import re
from pathlib import Path

from server.release.trends import figures, quality

PAGE = Path(__file__).parents[1] / "docs" / "trends.md"
_PART = re.compile(r"(<!-- written by make generate: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(text: str) -> str:
    """Return the page's text with its tables as the figures are now."""
    return _PART.sub(lambda part: part[1] + "\n".join([*_lines(part[2]), part[3]]), text)


def _lines(name: str) -> list[str]:
    """Return the lines of the table of figures, or of the measures of quality."""
    if name == "quality":
        rows = [f"| `{measure}` | {meaning} |" for measure, meaning in quality.MEASURES.items()]
        return ["| measure | meaning |", "| --- | --- |", *rows]
    rows = [
        f"| `{figure.name}` | {figure.meaning} | {_words(figure.dimensions)} | {_readers(figure)} |"
        for figure in figures.ALL
    ]
    return ["| figure | what is counted | by | who sees it |", "| --- | --- | --- | --- |", *rows]


def _readers(figure: figures.Figure) -> str:
    return "anybody" if figure.is_public else "the operator"


def _words(dimensions: tuple[figures.Dimension, ...]) -> str:
    return ", ".join(f"`{dimension}`" for dimension in dimensions)


def main() -> None:
    """Write the page again."""
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
