"""Every row of the table of institutions, and every entry of a bundled list, is valid."""

import pytest

from schemas.reference import hosts
from server.release.guard.allowlists import folder, parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS

ROWS = list(parse.read_institutions(folder.TABLE.read_text(encoding="utf-8").splitlines()))
LISTS = [name for name in ALLOWLISTS if name.startswith("institution-") and name != "institution-platforms"]


@pytest.mark.parametrize("name", LISTS)
def test_every_entry_is_of_its_type(name: str) -> None:
    entries = parse.entries_of_institutions(ROWS, name)
    assert entries
    assert [entry for entry in entries if not list(parse.normalise_entry(ALLOWLISTS[name].entry_type, entry))] == []


def test_every_row_has_country_type_name_and_values() -> None:
    assert {len(row.country) for row in ROWS} <= {0, 2}
    assert all(row.what and row.name for row in ROWS)
    assert all(row.sites or row.numbers or row.apps or row.accounts for row in ROWS)


@pytest.mark.parametrize("name", [name for name in ALLOWLISTS if name not in ("phone_numbers", *LISTS)])
def test_every_entry_of_a_list_is_in_normal_form(name: str) -> None:
    allowlist = ALLOWLISTS[name]
    entries = folder.read(allowlist).entries
    sample = entries if len(entries) < 5_000 else entries[:: len(entries) // 500]
    assert [entry for entry in sample if entry not in parse.normalise_entry(allowlist.entry_type, entry)] == []


def test_no_institution_owns_a_public_suffix() -> None:
    sites = [hosts.a_labels(site) for row in ROWS for site in row.sites]
    assert [site for site in sites if hosts.registrable_domain(site) is None] == []
