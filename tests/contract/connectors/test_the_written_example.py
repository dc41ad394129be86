"""The connector of ``docs/writing-a-connector.md`` with the suite printed there: the page is correct."""

import re
import sys
import tomllib
from pathlib import Path
from types import MappingProxyType, ModuleType

import pytest

from feeds import connectors
from server.store import Store
from tests.contract.connectors.peer import Said
from tests.running import run

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-connector.md"
CONNECTOR, SUITE = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _module(name: str, code: str) -> ModuleType:
    made = ModuleType(name)
    # Dataclasses and pydantic look up their module there.
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

    @pytest.mark.parametrize("status", ["400", "413", "422"])
    def test_refusal_needs_an_operator(self, store: Store, status: str) -> None:
        self.peer.fault = status
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert f"refuses the request (HTTP {status})" in str(result.error)

    def test_the_path_of_the_url_is_kept(self, store: Store) -> None:
        run(store, self.feed(url=f"{self.peer.url}a/b/"))
        assert self.peer.asked[0].path.startswith("/a/b/v1/cases?")

    def test_self_referencing_page_ends_the_run(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 2)
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, {"cases": self.peer.cases, "more": True}))
        assert run(store, self.feed()).ending == "try-later"
        assert (len(self.peer.asked), len(self.arrived(store))) == (2, 2)

    def test_non_object_is_counted(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.cases += ["a.example.com", None]
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 1, {"no-value": 2})


def test_page_has_the_configuration_that_runs_it() -> None:
    (table,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (feed,) = tomllib.loads(table)["feed"]
    assert _CASEBOOK(_CASEBOOK.settings_model.model_validate(feed)).settings.contribute_as == "Casebook"
