"""Every connector has a suite, except those between hubs."""

from importlib import import_module
from pathlib import Path

from feeds import connectors
from tests.contract.connectors.contract import Contract


def test_every_connector_has_its_suite() -> None:
    suites: set[str] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        if file.name not in ("test_every.py", "test_the_written_example.py"):
            found = vars(import_module(f"tests.contract.connectors.{file.stem}")).values()
            suites |= {
                suite.connector
                for suite in found
                if isinstance(suite, type) and issubclass(suite, Contract) and hasattr(suite, "connector")
            }
    # tests/integration/federation tests those between hubs.
    others = {name for name in connectors.every() if not name.startswith("hub-")}
    assert suites == others
