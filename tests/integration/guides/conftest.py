"""The hub that the guides are followed with: the one of the mirror's tests."""

from tests.integration.mirror.conftest import hub, served

__all__ = ["hub", "served"]
