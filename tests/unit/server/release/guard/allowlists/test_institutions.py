"""Each row of the table of institutions is what it says, and each list that comes with the program what it holds."""

import pytest

from schemas.reference import hosts
from server.release.guard.allowlists import folder, parse
from server.release.guard.allowlists.catalogue import ALLOWLISTS

ROWS = list(parse.read_institutions(folder.TABLE.read_text(encoding="utf-8").splitlines()))
LISTS = [name for name in ALLOWLISTS if name.startswith("institution-")]


@pytest.mark.parametrize("name", LISTS)
def test_each_entry_is_a_value_of_its_kind(name: str) -> None:
    entries = parse.entries_of_institutions(ROWS, name)
    assert entries
    assert [entry for entry in entries if not list(parse.normalise_entry(ALLOWLISTS[name].holds, entry))] == []


def test_each_row_says_where_what_and_who() -> None:
    assert {len(row.country) for row in ROWS} <= {0, 2}
    assert all(row.what and row.name for row in ROWS)
    assert all(row.sites or row.numbers or row.apps or row.accounts for row in ROWS)


@pytest.mark.parametrize("name", [name for name in ALLOWLISTS if name not in ("phone_numbers", *LISTS)])
def test_each_entry_of_a_list_is_written_in_its_normal_form(name: str) -> None:
    listing = ALLOWLISTS[name]
    entries = folder.read(listing).entries
    sample = entries if len(entries) < 5_000 else entries[:: len(entries) // 500]
    assert [entry for entry in sample if entry not in parse.normalise_entry(listing.holds, entry)] == []


def test_no_institution_owns_what_many_register_names_below() -> None:
    sites = [hosts.a_labels(site) for row in ROWS for site in row.sites]
    assert [site for site in sites if hosts.registrable_domain(site) is None] == []
