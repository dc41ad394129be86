"""The table of metrics in docs/metrics.md."""

from server.observe import (
    metrics as _metrics,  # noqa: F401 - declares all
)
from server.observe.families import Family, declared
from tools.tables import table, words


def metrics_table() -> list[str]:
    """Return each metric with its name as Prometheus stores it."""
    return table(["metric", "kind", "labels", "meaning"], map(_row, declared()))


def _row(family: Family) -> tuple[str, str, str, str]:
    name = f"`{family.name}{'_total' if family.kind == 'counter' else ''}`"
    return name, family.kind, words(family.labels), family.documentation
