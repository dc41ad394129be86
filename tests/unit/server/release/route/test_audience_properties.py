"""No partner gets an object outside its rights, for any limits, partners and rules."""

from dataclasses import replace

from hypothesis import given, settings, strategies as st

from schemas.fields import Sharing
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release.route import audience
from server.release.route.audience import PURPOSES, Audience
from server.release.route.policy import SHARED, ConsensusFacts, Policy, ReportFacts
from server.store.partners import Registry, names_of
from tests.searches import examples
from tests.unit.server.release.route.registry_examples import ALIASES, FACTS, KINDS, LIMITS, POLICIES, registries

MANY = settings(max_examples=examples(400))
LEVELS = list(Tlp)
Given = tuple[str, Tlp, Sharing | None, Partner, Registry, Policy, bool]


def outside(limits: Sharing, partner: Partner) -> bool:
    """Return whether a limit excludes the partner, computed independently for each limit."""
    names = names_of(partner)
    return (
        bool(names & set(limits.not_to_partners))
        or (limits.only_partners != () and not names & set(limits.only_partners))
        or (limits.only_partner_kinds != () and partner.kind not in limits.only_partner_kinds)
        or (limits.only_countries != () and partner.country not in limits.only_countries)
        or (limits.not_to_countries != () and partner.country in (None, *limits.not_to_countries))
        or (limits.purposes != () and not PURPOSES[partner.kind] & set(limits.purposes))
    )


@st.composite
def contributions(draw: st.DrawFn) -> Given:
    registry = draw(registries())
    reporter = draw(st.sampled_from(sorted(registry.partners.values(), key=lambda each: each.name)))
    return (
        draw(st.sampled_from(KINDS)),
        draw(st.sampled_from((*Tlp, *SHARED))),
        draw(LIMITS),
        reporter,
        registry,
        draw(POLICIES),
        draw(st.sampled_from((False, False, False, True))),
    )


def of(
    kind: str, tlp: Tlp, limits: Sharing | None, by: Partner, registry: Registry, policy: Policy, coerced: bool
) -> Audience:
    return audience.audience_of(kind, tlp, limits, by, registry, policy, coerced=coerced)


@MANY
@given(contributions())
def test_no_reader_is_outside_the_limits_or_has_left(given_: Given) -> None:
    _, tlp, limits, by, registry, _, coerced = given_
    found = of(*given_)
    readers = found.readers(registry)
    assert readers <= registry.partners.keys()
    assert not any(outside(limits or Sharing(), registry.partners[name]) for name in readers)
    assert all(found.includes(name, registry) == (name in readers) for name in registry.partners)
    if (limits and limits.limited) or tlp not in SHARED or coerced:
        assert found.shared == set()
        assert by.name not in readers
    if tlp not in SHARED:
        assert readers <= found.named
    assert found.named == (found.private if limits and limits.only_partners else set())


@MANY
@given(contributions(), st.sampled_from(Tlp))
def test_a_narrower_level_adds_no_reader(given_: Given, other: Tlp) -> None:
    kind, tlp, *rest = given_
    wide, narrow = sorted((tlp, other), key=LEVELS.index)
    registry = given_[4]
    assert of(kind, narrow, *rest).readers(registry) <= of(kind, wide, *rest).readers(registry)


@MANY
@given(contributions(), LIMITS)
def test_more_limits_add_only_named_readers(given_: Given, more: Sharing | None) -> None:
    kind, tlp, limits, *rest = given_
    before, added = limits or Sharing(), more or Sharing()
    both = before.model_copy(
        update={
            "not_to_partners": (*before.not_to_partners, *added.not_to_partners),
            "not_to_countries": (*before.not_to_countries, *added.not_to_countries),
            "onward": before.onward and added.onward,
            **{
                name: getattr(before, name) or getattr(added, name)
                for name in ("only_partners", "only_partner_kinds", "only_countries", "purposes")
            },
        }
    )
    registry = given_[4]
    fewer = of(kind, tlp, both, *rest)
    newly = set() if before.only_partners else fewer.named
    assert fewer.readers(registry) - newly <= of(kind, tlp, limits, *rest).readers(registry)


@MANY
@given(contributions())
def test_coercion_adds_no_reader(given_: Given) -> None:
    *rest, _ = given_
    registry = given_[4]
    assert of(*rest, True).readers(registry) <= of(*rest, False).readers(registry)


@MANY
@given(contributions())
def test_a_policy_adds_no_reader_that_level_and_limits_do_not_admit(given_: Given) -> None:
    _, tlp, limits, by, registry, _, coerced = given_
    found = of(*given_)
    whole = frozenset(ALIASES) - (set() if tlp is Tlp.CLEAR else {"public"})
    assert found.shared <= whole
    widest = audience.audience_within(whole, tlp, limits, by, registry, coerced=coerced)
    assert found.readers(registry) <= widest.readers(registry)


@MANY
@given(contributions(), FACTS)
def test_consensus_reaches_no_private_collection_closed_to_every_report(given_: Given, facts: ConsensusFacts) -> None:
    kind, tlp, _, by, registry, policy, _ = given_
    found = of(*given_)
    for name in registry.partners:
        if audience.admits_privately(name, [found], facts, [ReportFacts(kind, tlp, by.kind)], registry, policy):
            assert name in found.private


@MANY
@given(contributions())
def test_partner_without_access_does_not_affect_the_others(given_: Given) -> None:
    *rest, registry, policy, coerced = given_
    found = of(*rest, registry, policy, coerced)
    strangers = registry.partners.keys() - found.readers(registry) - {given_[3].name}
    less = replace(
        registry,
        partners={name: each for name, each in registry.partners.items() if name not in strangers},
        gone={**registry.gone, **{name: registry.partners[name] for name in strangers}},
        readers={alias: names - strangers for alias, names in registry.readers.items()},
    )
    assert of(*rest, less, policy, coerced).readers(less) == found.readers(registry)
