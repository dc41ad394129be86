"""Identities name participants with their contacts; unnamed partners appear only by kind."""

from typing import Any

import jsonschema
import stix2
from hypothesis import given, strategies as st

from mappers import extension, ids
from mappers.common_objects import HubIdentity, hub_identity, partner_identity
from schemas.json_schema import extension_schema
from schemas.partner import Partner, PartnerKind

HUB = HubIdentity(
    "identity--22222222-2222-4222-8222-222222222222", "Hub of Siam", 1_764_000_000_123_456, 1_764_000_001_000_000
)
BANK = Partner(
    name="Example Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Example Bank"), named=True
)
POINTS = [("protection", "desk@bank.example"), ("prevention", "https://bank.example/scams")]


def _partner(partner: Partner, points: list[tuple[str, str]] = POINTS) -> dict[str, Any]:
    return partner_identity(partner, HUB.identity, HUB.created, HUB.modified, points)


def test_the_hubs_identity_has_its_name_and_contacts() -> None:
    identity = hub_identity(HUB, POINTS)
    assert (identity["id"], identity["created_by_ref"], identity["name"]) == (HUB.identity, HUB.identity, "Hub of Siam")
    assert identity["created"] < identity["modified"]
    assert extension.context_of(identity)["focal_points"] == [
        {"function": "prevention", "contact": "https://bank.example/scams"},
        {"function": "protection", "contact": "desk@bank.example"},
    ]
    assert "extensions" not in hub_identity(HUB)


def test_a_named_partner_has_its_kind_country_and_contacts() -> None:
    identity = _partner(BANK)
    assert (identity["id"], identity["created_by_ref"], identity["name"]) == (
        BANK.identity,
        HUB.identity,
        "Example Bank",
    )
    assert (identity["roles"], identity["sectors"]) == (["bank"], ["financial-services"])
    assert extension.context_of(identity)["countries"] == ["TH"]
    assert len(extension.context_of(identity)["focal_points"]) == 2


@given(
    name=st.from_regex(r"[A-Z]{6,20}", fullmatch=True),
    kind=st.sampled_from(PartnerKind),
    country=st.sampled_from([None, "TH", "VN"]),
)
def test_unnamed_partner_appears_only_by_kind(name: str, kind: PartnerKind, country: str | None) -> None:
    one = Partner(name=name, kind=kind, country=country, identity=ids.identity(name))
    other = Partner(name="Other", kind=kind, identity=ids.identity("Other"))
    identity, elsewhere = _partner(one), _partner(other, [])
    assert {**identity, "id": ""} == {**elsewhere, "id": ""}
    assert name not in str({**identity, "id": ""})
    assert kind.value in identity["name"]


def test_identities_are_valid_stix_and_match_the_extension_schema() -> None:
    for identity in (hub_identity(HUB, POINTS), _partner(BANK), _partner(BANK.model_copy(update={"named": False}))):
        parsed = stix2.parse(identity)
        assert parsed.identity_class == "organization"
        for properties in identity.get("extensions", {}).values():
            jsonschema.validate(properties, extension_schema())
