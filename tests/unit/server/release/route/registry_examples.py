"""Hypothesis strategies for registries and policies, and examples of partners."""

from collections.abc import Iterable

from hypothesis import strategies as st

from mappers import ids
from schemas.fields import Sharing
from schemas.partner import Partner, PartnerKind
from schemas.vocabulary import Action, SharingPurpose, Tlp
from server.release.route.policy import ConsensusFacts, Policy, PolicyRule
from server.store.partners import Registry

NAMES = ("First Bank", "Second Bank", "Exchange", "Platform", "Police", "Shelter", "Newcomer")
COUNTRIES = ("TH", "KH", "MM")
ALIASES = ("takedown", "mule-accounts", "wallets", "public", "task-force")
KINDS = ("domain", "bank-account", "wallet", "phone")


def partner(name: str, kind: PartnerKind = PartnerKind.BANK, country: str | None = "TH") -> Partner:
    return Partner(name=name, kind=kind, country=country, identity=ids.identity(name))


def registry(
    partners: Iterable[Partner], readers: dict[str, Iterable[str]] | None = None, gone: Iterable[Partner] = ()
) -> Registry:
    return Registry(
        {each.name: each for each in partners},
        {alias: frozenset(names) for alias, names in (readers or {}).items()},
        {each.name: each for each in gone},
    )


PARTNERS = st.builds(partner, st.sampled_from(NAMES), st.sampled_from(PartnerKind), st.sampled_from((*COUNTRIES, None)))


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Draw members, former partners, and read grants."""
    everybody = draw(st.lists(PARTNERS, min_size=3, max_size=7, unique_by=lambda each: each.name))
    left = draw(st.sampled_from((0, 0, 1)))
    here, gone = everybody[left:], everybody[:left]
    every = frozenset(each.name for each in here)
    names = st.just(every) | st.frozensets(st.sampled_from(sorted(every)), min_size=1)
    return registry(here, draw(st.fixed_dictionaries(dict.fromkeys(ALIASES, names))), gone)


_NAMED = st.lists(st.sampled_from((*NAMES, *NAMES, ids.identity("Police"), "Nobody Here")), min_size=1, max_size=3)
_COUNTRIES = st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=2)
_EACH: dict[str, st.SearchStrategy[object]] = {
    "only_partners": _NAMED,
    "not_to_partners": _NAMED,
    "only_partner_kinds": st.lists(st.sampled_from(PartnerKind), max_size=3),
    "only_countries": _COUNTRIES,
    "not_to_countries": _COUNTRIES,
    "purposes": st.lists(st.sampled_from((*SharingPurpose, "a-purpose-of-their-own")), max_size=2),
    "onward": st.booleans(),
}
# Most have one or two limits, because all of them at once leave hardly any reader.
LIMITS = st.lists(st.sampled_from(sorted(_EACH)), max_size=2, unique=True).flatmap(
    lambda names: st.builds(Sharing, **{name: _EACH[name] for name in names}) if names else st.none()
)
RULES = st.sampled_from(ALIASES).flatmap(
    lambda alias: st.builds(
        PolicyRule,
        collection=st.just(alias),
        kinds=st.lists(st.sampled_from(KINDS), max_size=3),
        tlp=st.sampled_from((None, Tlp.CLEAR) if alias == "public" else (None, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)),
        from_kinds=st.lists(st.sampled_from(PartnerKind), max_size=3),
        grades=st.lists(st.sampled_from(Action), max_size=3),
        countries=st.lists(st.sampled_from(COUNTRIES), max_size=2),
        least_confidence=st.integers(0, 100),
        least_reporters=st.integers(1, 3),
    )
)
POLICIES = st.just(Policy()) | st.builds(Policy, st.lists(RULES, max_size=5))
FACTS = st.builds(
    ConsensusFacts,
    st.sampled_from(Action),
    st.lists(st.sampled_from(COUNTRIES), max_size=2).map(tuple),
    st.integers(0, 100),
    st.integers(1, 4),
)
