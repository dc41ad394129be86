"""Sharing limits of every kind, for generated examples."""

from hypothesis import strategies as st

from schemas.fields import Sharing
from schemas.partner import PartnerKind
from schemas.vocabulary import SharingPurpose

NAMES_IN_USE = ("First Bank", "Bank, Ltd", "ธนาคารตัวอย่าง", "Second Bank")
_PARTNERS = st.lists(st.sampled_from(NAMES_IN_USE), max_size=3)
_COUNTRIES = st.lists(st.sampled_from(["TH", "KH", "MM", "SG"]), max_size=3)

LIMITS = st.builds(
    Sharing,
    only_partners=_PARTNERS,
    not_to_partners=_PARTNERS,
    only_partner_kinds=st.lists(st.sampled_from(PartnerKind), max_size=3),
    only_countries=_COUNTRIES,
    not_to_countries=_COUNTRIES,
    purposes=st.lists(st.sampled_from(SharingPurpose), max_size=2),
    onward=st.booleans(),
)
