"""The release policy: which collections take what, as rules of the configuration that only ever narrow TLP."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas import kinds
from schemas.partner import OWN_ALIASES, CountryCode, PartnerKind
from schemas.vocabulary import Action, Tlp
from server.release.fuse.newcomers import NewcomerRule

_NEWCOMERS = NewcomerRule()
PUBLIC = "public"
FULL = "-full"
# Readers of shared collections are partners; AMBER lets an organisation tell those who need it, and no wider.
SHARED = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
_UP_TO = {tlp: frozenset(SHARED[: place + 1]) for place, tlp in enumerate(SHARED)}

_ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class BadPolicy(ValueError):
    """The rules cannot be used; the message names the rule's key and the way out."""


def _kind(name: str) -> str:
    if name not in kinds.every():
        raise ValueError(f"there is no such kind; there are: {', '.join(kinds.every())}")
    return name


def shared_alias(alias: str) -> str:
    """Give the alias back where a shared collection may have it. Raises ``ValueError`` with the rule."""
    if not _ALIAS.fullmatch(alias):
        raise ValueError("an alias is small letters, digits and single hyphens")
    if alias.endswith(FULL):
        raise ValueError(f"name the collection without {FULL}: what enters it enters its twin")
    if alias == "inbox" or alias.startswith(OWN_ALIASES):
        raise ValueError("no rule fills an inbox, nor the rooms of one partner")
    return alias


def _released(tlp: Tlp | None) -> Tlp | None:
    if tlp is not None and tlp not in SHARED:
        raise ValueError("amber+strict and red reach only whom they name; no rule lets them into a shared collection")
    return tlp


class PolicyRule(BaseModel):
    """One way into a collection: all that it asks has to hold; what it does not ask about may be anything.

    ``kinds``, ``tlp`` and ``from_kinds`` choose reports; ``grades``, ``countries``, ``least_confidence`` and
    ``least_reporters`` look at what the chosen ones come to together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: Annotated[str, Field(description="alias, without -full"), AfterValidator(shared_alias)]
    kinds: tuple[Annotated[str, AfterValidator(_kind)], ...] = ()
    tlp: Annotated[
        Tlp | None,
        Field(description="the narrowest level that it takes, and all that are wider"),
        AfterValidator(_released),
    ] = None
    from_kinds: Annotated[tuple[PartnerKind, ...], Field(description="what the reporting partner is")] = ()
    grades: tuple[Action, ...] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(description="that it concerns, one of them at least")] = ()
    least_confidence: Annotated[int, Field(ge=0, le=100)] = 0
    least_reporters: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _public_is_clear(self) -> Self:
        if self.collection == PUBLIC and self.tlp not in (None, Tlp.CLEAR):
            raise ValueError("anybody reads public: it takes tlp clear only")
        return self

    @property
    def levels(self) -> frozenset[Tlp]:
        """Give the levels that it takes."""
        narrowest = self.tlp or (Tlp.CLEAR if self.collection == PUBLIC else Tlp.AMBER)
        return _UP_TO[narrowest]

    def takes(self, source: "ReportFacts") -> bool:
        """Tell whether a report of that kind, level and origin may enter by this rule."""
        return (
            source.tlp in self.levels
            and (not self.kinds or source.kind in self.kinds)
            and (not self.from_kinds or source.from_kind in self.from_kinds)
        )

    def lets(self, facts: "ConsensusFacts") -> bool:
        """Tell whether what is known of a value is enough for this rule."""
        return (
            facts.confidence >= self.least_confidence
            and facts.reporters >= self.least_reporters
            and (not self.grades or facts.grade in self.grades)
            and (not self.countries or not set(self.countries).isdisjoint(facts.countries))
        )


class ReportFacts(NamedTuple):
    """What rules ask about one report: its kind, its level, and what its reporter is."""

    kind: str
    tlp: Tlp
    from_kind: PartnerKind


class ConsensusFacts(NamedTuple):
    """What rules ask about all reports of a value together."""

    grade: Action
    countries: tuple[str, ...] = ()
    confidence: int = 100
    reporters: int = 1


class Policy:
    """Rules: what one of those of a collection lets in enters it."""

    def __init__(self, rules: Iterable[PolicyRule] = (), newcomers: NewcomerRule = _NEWCOMERS) -> None:
        """Go by ``rules``, where there are none by ``default_rules``; ``newcomers`` says who is new."""
        self.newcomers = newcomers
        self.rules = tuple(rules) or default_rules()
        self._aliases = lru_cache(maxsize=4096)(self._taking)

    def aliases(self, source: ReportFacts) -> frozenset[str]:
        """Give the shared collections that a report may enter, as far as that follows from itself alone."""
        return self._aliases(source)

    def admits(self, alias: str, facts: ConsensusFacts, sources: Iterable[ReportFacts]) -> bool:
        """Tell whether a value enters the collection, of which these reports may enter it and come to ``facts``."""
        sources = list(sources)
        return any(
            rule.collection == alias and rule.lets(facts) and any(map(rule.takes, sources)) for rule in self.rules
        )

    def refuse_unknown(self, aliases: Collection[str]) -> None:
        """Raise ``BadPolicy`` where a rule names a collection that is none of ``aliases``."""
        for number, rule in enumerate(self.rules):
            if rule.collection not in aliases:
                known = ", ".join(sorted(alias for alias in aliases if not alias.endswith(FULL)))
                raise BadPolicy(
                    f"rule.{number}.collection: there is no released collection {rule.collection!r}; there are "
                    f"{known}; make it with: scamfeed collection add"
                )

    def unheard(self) -> list[str]:
        """Give the kinds that no rule takes, so that they reach only partners whom somebody names."""
        taken = {kind for rule in self.rules for kind in rule.kinds or kinds.every()}
        return [kind for kind in kinds.every() if kind not in taken]

    def _taking(self, source: ReportFacts) -> frozenset[str]:
        return frozenset(rule.collection for rule in self.rules if rule.takes(source))


def default_rules() -> tuple[PolicyRule, ...]:
    """Give the rules of a hub that has none of its own: each kind to its home, and what is CLEAR to ``public``."""
    homes: dict[str, list[str]] = {}
    for kind in kinds.every().values():
        homes.setdefault(kind.collection, []).append(kind.name)
    rules = [PolicyRule(collection=home, kinds=tuple(names)) for home, names in sorted(homes.items())]
    return (*rules, PolicyRule(collection=PUBLIC, tlp=Tlp.CLEAR))


def read_policy(tables: Iterable[Any]) -> Policy:
    """Give the policy of ``[[rule]]`` tables. Raises ``BadPolicy``."""
    rules = []
    for number, table in enumerate(tables):
        try:
            rules.append(PolicyRule.model_validate(table))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(map(str, ("rule", number, *first["loc"])))
            raise BadPolicy(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    return Policy(rules)


def policy_to_toml(policy: Policy) -> str:
    """Give the rules in TOML, as the configuration takes them; what a rule does not ask about is left out."""
    tables = []
    for rule in policy.rules:
        said = rule.model_dump(mode="json", exclude_defaults=True)
        tables.append("\n".join(["[[rule]]", *(f"{name} = {_toml(each)}" for name, each in said.items())]))
    return "\n\n".join(tables) + "\n"


def _toml(value: Any) -> str:
    """Spell what rules hold: words without anything to escape, numbers, lists of words."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


_in_force: list[Policy] = []


def put_in_force(policy: Policy) -> None:
    """Let ``policy`` be the one that this process releases by."""
    _in_force[:] = [policy]


def in_force() -> Policy:
    """Give the policy that this process releases by: the configured one, else the default."""
    if not _in_force:
        put_in_force(Policy())
    return _in_force[0]
