"""The kind of ``docs/adding-a-kind.md`` keeps the contract of every kind, with the two files of the page."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType, ModuleType

import pytest

from mappers import kinds as mappers_by_kind
from mappers.indicator import Profile
from mappers.pattern import Terms
from schemas import kinds
from schemas.kind import Normal
from tests.contract import test_kinds as contract
from tests.contract.bundles import assert_strictly_valid, bundle

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-kind.md"


def _module(name: str) -> ModuleType:
    """Return the module whose code the page shows under ``name``."""
    text = PAGE.read_text(encoding="utf-8")
    code = re.search(rf"<!-- {name}: tests run this -->\n *```python\n(.*?)\n *```", text, re.DOTALL)
    assert code, name
    module = ModuleType(f"written_{name.replace(' ', '_')}")
    sys.modules[module.__name__] = module
    exec(compile(dedent(code[1]), f"{PAGE.name}:{name}", "exec"), vars(module))  # noqa: S102 - our own page
    return module


KIND, MAPPER = _module("kind").Handset(), _module("mapper").HandsetMapper()
NAME = KIND.name
EXAMPLES = list(KIND.examples())
GOOD = [example for example in EXAMPLES if example.value is not None]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    all_kinds = MappingProxyType({**kinds.every(), NAME: KIND})
    all_mappers = MappingProxyType({**mappers_by_kind.every(), NAME: MAPPER})
    monkeypatch.setattr(kinds, "every", lambda: all_kinds)
    monkeypatch.setattr(mappers_by_kind, "every", lambda: all_mappers)
    mappers_by_kind._by_type.cache_clear()
    yield
    mappers_by_kind._by_type.cache_clear()


def test_the_examples_of_the_page_keep_the_contract() -> None:
    assert len(GOOD) < len(EXAMPLES)
    for example in EXAMPLES:
        contract.test_an_example_has_its_normal_form_or_its_refusal(NAME, example)
        if example.value is None and len(example.raw) > 5:
            contract.test_a_refusal_never_quotes_the_value(NAME, example)
    for example in GOOD:
        contract.test_a_normal_form_is_its_own_normal_form(NAME, example)
        contract.test_only_its_own_kind_recognises_a_normal_form(NAME, example)


@pytest.mark.parametrize("profile", list(Profile))
def test_report_of_the_page_survives_the_stix_round_trip(profile: Profile) -> None:
    for example in GOOD:
        contract.test_report_survives_the_stix_round_trip(NAME, example, profile)


def test_the_objects_of_the_page_are_valid_for_every_reader() -> None:
    contract.test_a_kind_has_a_mapper_a_collection_titles_and_examples(NAME)
    contract.test_a_strict_stix_parser_accepts_the_core_profile(NAME)
    assert_strictly_valid(bundle(contract.everything(NAME)))


def test_the_value_mapper_of_the_page_spells_its_kind() -> None:
    mapper = _module("value mapper").NetworkCardMapper()
    terms = mapper.terms(Normal("00-00-5e-00-53-01"))
    assert terms == Terms("mac-addr", {"value": "00-00-5e-00-53-01"})
    assert mapper.normal(terms) == Normal("00-00-5e-00-53-01")


def test_attributes_on_the_page_are_those_of_a_kind() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| the kind | set |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)(?: =[^`]*)?`", table)) - {"given", "wallets"}
    assert {name for name in named if not hasattr(kinds.every()["bank-account"], name)} == set()
    assert len(named) > 5
