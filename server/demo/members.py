"""The partners of the demonstration, and the people of each who log in."""

from datetime import timedelta

from schemas.partner import FocalFunction, PartnerKind
from server.demo.site import DemoHub, Member
from server.store import focal_points
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole

# Registered this long before the first week, so that no partner is new in it.
KNOWN_FOR = timedelta(days=300)
# The bank whose provider pages are shown.
PROVIDER = "Harbour bank"
BANKS: dict[str, str] = {PROVIDER: "KASITHBK", "River bank": "BKKBTHBK", "Garden bank": "SICOTHBK"}
EXCHANGE, POLICE = "Coin exchange", "Cyber police"
_PLATFORM, _TELECOM, _MINISTRY = "Video platform", "Mobile operator", "Scam desk of the ministry"
_SHOWN = (PROVIDER, _PLATFORM, "Consumer association")
PARTNERS: dict[str, PartnerKind] = {
    **dict.fromkeys(BANKS, PartnerKind.BANK),
    _PLATFORM: PartnerKind.PLATFORM,
    _TELECOM: PartnerKind.TELECOM,
    EXCHANGE: PartnerKind.EXCHANGE,
    "Consumer association": PartnerKind.NGO,
    _MINISTRY: PartnerKind.GOVERNMENT,
    POLICE: PartnerKind.GOVERNMENT,
}
READERS = {
    "takedown": (_PLATFORM, _TELECOM, _MINISTRY, POLICE),
    "mule-accounts": tuple(BANKS),
    "wallets": (EXCHANGE, "River bank", PROVIDER),
}
# Who logs in: the label of the link, the name of the user, and the partner.
_USERS = {
    f"a user's of {PROVIDER}": ("Demo banker", PROVIDER),
    f"a user's of {_PLATFORM}": ("Demo moderator", _PLATFORM),
    f"a user's of {EXCHANGE}": ("Demo trader", EXCHANGE),
    f"a user's of {_TELECOM}": ("Demo engineer", _TELECOM),
    f"a user's of {POLICE}": ("Demo detective", POLICE),
    f"a user's of {_MINISTRY}": ("Demo official", _MINISTRY),
}
_MAKER = "the demonstration"


def register(site: DemoHub) -> dict[str, Member]:
    """Register the partners of the weeks with their collections, and the banks as providers."""
    with site.store.begin() as tx:
        for function in (FocalFunction.PREVENTION, FocalFunction.PROTECTION):
            focal_points.put(tx, focal_points.HUB, function, "help@hub.example.org")
    return {
        name: site.add_partner(
            name,
            kind,
            read=(*(alias for alias, names in READERS.items() if name in names), "sightings"),
            write=("inbox",),
            institutions=(BANKS[name],) if name in BANKS else (),
            named=name in BANKS,
            shown_publicly=name in _SHOWN,
            authority=("bank-account",) if name == POLICE else (),
        )
        for name, kind in PARTNERS.items()
    }


def login_links(site: DemoHub) -> dict[str, str]:
    """Add two operators and a user of each of six partners; return their one-time login links."""
    with site.store.begin() as tx:
        secrets = {
            "an operator's login": users.add(tx, "Demo operator", OperatorRole.ADMIN, _MAKER),
            "a second operator's": users.add(tx, "Demo approver", OperatorRole.APPROVER, _MAKER),
        }
        for label, (name, partner) in _USERS.items():
            secrets[label] = users.add(tx, name, PartnerRole.ADMIN, _MAKER, partner)
    return {label: f"{site.address}/welcome/{secret}" for label, secret in secrets.items()}
