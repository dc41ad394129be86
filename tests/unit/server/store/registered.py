"""Two registered partners: one with every field set, one with the fewest."""

from mappers import ids
from schemas.partner import Partner, PartnerKind

BANK = Partner(
    name="Bänk of Siam",
    kind=PartnerKind.BANK,
    country="TH",
    identity=ids.identity("Bänk of Siam"),
    trusted=True,
    authority=("bank-account", "domain"),
    institutions=("NWBKGB2L", "GB29NWBK"),
    forwards=True,
    named=True,
)
POLICE = Partner(name="police", kind=PartnerKind.GOVERNMENT, country="TH", identity=ids.identity("police"))
