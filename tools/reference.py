"""Write the tables of docs/*.md from the code: ``python -m tools.reference``."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from schemas.reference.banks import listed_banks
from server.features.trends import figures, quality
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from tools import fields_tables, metrics_table, operations_table, reasons_table, routes_table, rules_tables
from tools.tables import table, words

DOCS = Path(__file__).parents[1] / "docs"
PART = re.compile(r"(<!-- written by make generate: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return the pages that have a generated part."""
    return [page for page in sorted(DOCS.glob("*.md")) if PART.search(page.read_text(encoding="utf-8"))]


def written(text: str) -> str:
    """Return the text of a page with its tables for the current code; all else is unchanged."""
    return PART.sub(lambda part: part[1] + "\n".join([*TABLES[part[2]](), part[3]]), text)


def _banks() -> list[str]:
    return table(
        ["country", "BIC", "codes", "as people write it"],
        ((bank.country, f"`{bank.bic}`", " ".join(bank.codes), bank.name) for bank in listed_banks()),
    )


def _figures() -> list[str]:
    return table(
        ["figure", "what is counted", "by", "who sees it"],
        (
            (f"`{each.name}`", each.meaning, words(each.dimensions), "anybody" if each.is_public else "the operator")
            for each in figures.ALL
        ),
    )


def _quality() -> list[str]:
    return table(["measure", "meaning"], ((f"`{name}`", meaning) for name, meaning in quality.MEASURES.items()))


def _allowlists() -> list[str]:
    return table(
        ["list", "an entry is", "report instead"],
        ((f"`{name}`", each.what, each.instead) for name, each in sorted(ALLOWLISTS.items())),
    )


TABLES: Mapping[str, Callable[[], list[str]]] = {
    **rules_tables.TABLES,
    **fields_tables.TABLES,
    "allowlists": _allowlists,
    "banks": _banks,
    "endpoints": routes_table.endpoints,
    "figures": _figures,
    "metrics": metrics_table.metrics_table,
    "operations": operations_table.operations,
    "pages": routes_table.pages,
    "quality": _quality,
    "reasons": reasons_table.reasons,
}


if __name__ == "__main__":
    for page in pages():
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
