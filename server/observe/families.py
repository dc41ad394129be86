"""The metrics of a hub. Each is declared once; docs/metrics.md lists them."""

from typing import Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Kind = Literal["gauge", "counter", "histogram"]


class Family(NamedTuple):
    """A metric: its name without the suffix of counters, its documentation, and its labels."""

    name: str
    documentation: str
    labels: tuple[str, ...]
    kind: Kind

    def empty(self) -> GaugeMetricFamily | CounterMetricFamily:
        """Return the metric without any value."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return kind(self.name, self.documentation, labels=self.labels)

    def of(self, value: float) -> GaugeMetricFamily | CounterMetricFamily:
        """Return the metric, which has no labels, with its value."""
        metric = self.empty()
        metric.add_metric((), value)
        return metric


_DECLARED: dict[str, Family] = {}


def gauge(name: str, documentation: str, *labels: str) -> Family:
    """Declare a value that rises and falls."""
    return _declare(Family(name, documentation, labels, "gauge"))


def counter(name: str, documentation: str, *labels: str) -> Family:
    """Declare a number that only rises; Prometheus appends ``_total`` to the name."""
    return _declare(Family(name, documentation, labels, "counter"))


def histogram(name: str, documentation: str, *labels: str) -> Family:
    """Declare a distribution of durations in seconds."""
    return _declare(Family(name, documentation, labels, "histogram"))


def declared() -> list[Family]:
    """Return the metrics that the imported modules declare, by name."""
    return [_DECLARED[name] for name in sorted(_DECLARED)]


def _declare(family: Family) -> Family:
    if _DECLARED.setdefault(family.name, family) != family:
        raise ValueError(f"{family.name} is declared twice")
    return family
