"""The hub used by the guides: the hub of the mirror tests."""

from tests.integration.mirror.conftest import hub, served

__all__ = ["hub", "served"]
