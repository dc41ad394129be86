"""The labels of the closed words that pages show: grades, results, rules, roles, states."""

from collections.abc import Mapping
from types import MappingProxyType

# An English text that the catalogues have.
Translatable = str


def mark(english: str) -> Translatable:
    """Mark a text for the catalogues, and return it as it is."""
    return english


_LABELS: Mapping[str, Translatable] = MappingProxyType(
    {
        # Grades
        "block": mark("Block"),
        "hold": mark("Hold the payment"),
        "step-up": mark("Ask again first"),
        "warn": mark("Warn"),
        "monitor": mark("Watch"),
        "investigate": mark("Look into it"),
        # Focal points
        "prevention": mark("Prevention"),
        "prosecution": mark("Police and prosecution"),
        "protection": mark("Protection of victims"),
        "partnership": mark("Partnership"),
        # Roles
        "viewer": mark("Viewer"),
        "analyst": mark("Analyst"),
        "approver": mark("Approver"),
        "admin": mark("Administrator"),
        "reader": mark("Reader"),
        "writer": mark("Writer"),
        "partner-reader": mark("Reader"),
        "partner-writer": mark("Writer"),
        "partner-admin": mark("Administrator"),
        # What may be quiet
        "partner": mark("Partner"),
        "source": mark("Source"),
        "collection": mark("Collection"),
        "feed": mark("Feed"),
        # Partners
        "bank": mark("Bank"),
        "platform": mark("Platform"),
        "exchange": mark("Exchange"),
        "telecom": mark("Telecom"),
        "government": mark("Government"),
        "ngo": mark("Civil society"),
        "research": mark("Research"),
    }
)


def label(code: str) -> Translatable:
    """Return the English label of a code; the code itself where there is none, as words may be added elsewhere."""
    return _LABELS.get(code, code)


def labelled() -> Mapping[str, Translatable]:
    """Return all codes with their labels."""
    return _LABELS
