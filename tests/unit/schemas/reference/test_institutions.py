"""Names that only an institution can have registered."""

from pathlib import Path

import pytest

from schemas.reference import hosts, read_toml
from schemas.reference.institutions import is_institutional

_TEXT = (Path(__file__).parent / "name_endings.txt").read_text(encoding="utf-8")
_LINES = [line for line in _TEXT.splitlines() if not line.startswith("#")]
_OPEN_FROM = _LINES.index("[open]")
INSTITUTIONS = " ".join(_LINES[1:_OPEN_FROM]).split()
OPEN = " ".join(_LINES[_OPEN_FROM + 1 :]).split()


@pytest.mark.parametrize("ending", INSTITUTIONS)
def test_names_below_an_institutions_ending(ending: str) -> None:
    assert is_institutional(f"any-name.{ending}")
    assert is_institutional(f"www.any-name.{ending}")
    assert not is_institutional(f"{ending.replace('.', '-')}.com")


@pytest.mark.parametrize("ending", OPEN)
def test_names_below_any_other_ending(ending: str) -> None:
    assert not is_institutional(f"any-name.{ending}")


@pytest.mark.parametrize("ending", ["gov", "mil", "edu", "int", "bank"])
def test_names_below_an_institutions_top_level_domain(ending: str) -> None:
    assert is_institutional(f"any-name.{ending}")
    assert not is_institutional(ending)
    assert not is_institutional(f"{ending}.com")


def test_table_names_country_endings_once_and_in_lower_case() -> None:
    for level, countries in read_toml("institution_suffixes.toml")["countries"].items():
        assert len(set(countries)) == len(countries)
        assert all(hosts.has_public_suffix(f"{level}.{country}") for country in countries)
