"""The connector of ``docs/writing-a-connector.md``, with the suite that stands there: what is said there works."""

import re
import sys
from pathlib import Path
from types import MappingProxyType, ModuleType

import pytest

from feeds import connectors

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-connector.md"
CONNECTOR, SUITE = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _module(name: str, code: str) -> ModuleType:
    made = ModuleType(name)
    # Dataclasses and pydantic look their module up there.
    sys.modules[name] = made
    exec(compile(code, f"{PAGE.name}:{name}", "exec"), vars(made))  # noqa: S102 - our own page
    return made


_CASEBOOK = _module("written_connector", CONNECTOR).CasebookPull
_SUITE = _module("written_suite", SUITE).TestCasebookPull


class TestTheWrittenExample(_SUITE):  # type: ignore[misc, valid-type]  # made just above
    @pytest.fixture(autouse=True)
    def _registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        every = MappingProxyType({**connectors.every(), _CASEBOOK.name: _CASEBOOK})
        monkeypatch.setattr(connectors, "every", lambda: every)
