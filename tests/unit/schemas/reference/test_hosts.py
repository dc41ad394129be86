"""Hosts: the cached lookup gives the results of the Public Suffix List itself."""

from pathlib import Path

import ada_url
import pytest
from publicsuffixlist import PSLFILE

from schemas.reference import hosts


def _rules() -> list[str]:
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    named = [line.strip().lstrip("!").replace("*", "any") for line in lines if line and not line.startswith("//")]
    return [name if name.isascii() else ada_url.idna_to_ascii(name).decode("ascii") for name in named]


@pytest.mark.parametrize("form", ["{0}", "shop.{0}", "www.shop.{0}", "xn--72c1a1bt4awk9o.{0}"])
def test_every_rule_gives_the_same_result_as_the_list(form: str) -> None:
    rules = _rules()
    assert len(rules) > 9_000
    wrong = [name for name in map(form.format, rules) if hosts.is_registrable(name) != hosts._is_registrable(name)]
    assert wrong == []


def test_siblings_of_every_rule_give_the_same_result_as_the_list() -> None:
    siblings = {"sibling." + rule.partition(".")[2] for rule in _rules() if "." in rule}
    wrong = [name for name in siblings if hosts.is_registrable(name) != hosts._is_registrable(name)]
    assert wrong == []
