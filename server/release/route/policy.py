"""The release policy: rules that let reports into collections. A rule can narrow TLP, and never widens it."""

import re
import tomllib
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
# The TLP levels of shared collections, whose readers are partners: AMBER is for organisations that need to know.
SHARED = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
_UP_TO = {tlp: frozenset(SHARED[: place + 1]) for place, tlp in enumerate(SHARED)}

_ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class BadPolicy(ValueError):
    """The rules are not valid; the message names the rule's key and the way out."""


def _kind(name: str) -> str:
    if name not in kinds.every():
        raise ValueError(f"there is no such kind; there are: {', '.join(kinds.every())}")
    return name


def shared_alias(alias: str) -> str:
    """Return ``alias`` if a shared collection may have it. Raises ``ValueError`` with the rule."""
    if not _ALIAS.fullmatch(alias):
        raise ValueError("an alias has lower-case letters, digits and single hyphens only")
    if alias.endswith(FULL):
        raise ValueError(f"name the collection without {FULL}: its full variant gets the same reports")
    if alias == "inbox" or alias.startswith(OWN_ALIASES):
        raise ValueError("no rule fills an inbox or a private collection")
    return alias


def _released(tlp: Tlp | None) -> Tlp | None:
    if tlp is not None and tlp not in SHARED:
        raise ValueError("amber+strict and red are for named partners only; no rule lets them into a shared collection")
    return tlp


class PolicyRule(BaseModel):
    """One way into a collection: all conditions that it names have to hold.

    ``kinds``, ``tlp`` and ``from_kinds`` are conditions on a report; ``grades``, ``countries``, ``least_confidence``
    and ``least_reporters`` are conditions on the consensus of all reports of a value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: Annotated[str, Field(description="alias, without -full"), AfterValidator(shared_alias)]
    kinds: tuple[Annotated[str, AfterValidator(_kind)], ...] = ()
    tlp: Annotated[
        Tlp | None,
        Field(description="the narrowest level that it takes; it takes the wider ones too"),
        AfterValidator(_released),
    ] = None
    from_kinds: Annotated[tuple[PartnerKind, ...], Field(description="kinds of the reporting partner")] = ()
    grades: tuple[Action, ...] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(description="one of them at least is concerned")] = ()
    least_confidence: Annotated[int, Field(ge=0, le=100)] = 0
    least_reporters: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _public_is_clear(self) -> Self:
        if self.collection == PUBLIC and self.tlp not in (None, Tlp.CLEAR):
            raise ValueError("anybody can read public: it takes tlp clear only")
        return self

    @property
    def levels(self) -> frozenset[Tlp]:
        """Return the TLP levels that it takes."""
        narrowest = self.tlp or (Tlp.CLEAR if self.collection == PUBLIC else Tlp.AMBER)
        return _UP_TO[narrowest]

    def takes(self, source: "ReportFacts") -> bool:
        """Return whether the rule lets a report in, as far as that follows from the report alone."""
        return (
            source.tlp in self.levels
            and (not self.kinds or source.kind in self.kinds)
            and (not self.from_kinds or source.from_kind in self.from_kinds)
        )

    def admits(self, facts: "ConsensusFacts") -> bool:
        """Return whether a value's consensus meets the conditions of this rule."""
        return (
            facts.confidence >= self.least_confidence
            and facts.reporters >= self.least_reporters
            and (not self.grades or facts.grade in self.grades)
            and (not self.countries or not set(self.countries).isdisjoint(facts.countries))
        )


class ReportFacts(NamedTuple):
    """The properties of one report that rules look at; ``from_kind`` is the kind of its partner."""

    kind: str
    tlp: Tlp
    from_kind: PartnerKind


class ConsensusFacts(NamedTuple):
    """The properties of a value's consensus that rules look at."""

    grade: Action
    countries: tuple[str, ...] = ()
    confidence: int = 100
    reporters: int = 1


class Policy:
    """The rules of a hub: a collection takes what at least one of its rules lets in."""

    def __init__(self, rules: Iterable[PolicyRule] = (), newcomers: NewcomerRule = _NEWCOMERS) -> None:
        """Use ``rules``, or ``default_rules`` if there are none; ``newcomers`` decides which partners are new."""
        self.newcomers = newcomers
        given = tuple(rules)
        self.is_default = not given
        self.rules = given or default_rules()
        self._aliases = lru_cache(maxsize=4096)(self._find_aliases)
        self._admits = lru_cache(maxsize=4096)(self._find_admitted)

    def aliases(self, source: ReportFacts) -> frozenset[str]:
        """Return the aliases of the shared collections that a report may enter, as far as it decides that alone."""
        return self._aliases(source)

    def admits(self, alias: str, facts: ConsensusFacts, sources: Iterable[ReportFacts]) -> bool:
        """Return whether a value enters a collection by the reports ``sources``, whose consensus has ``facts``."""
        return self._admits(alias, facts, frozenset(sources))

    def refuse_unknown(self, aliases: Collection[str]) -> None:
        """Raise ``BadPolicy`` if a rule names a collection that is not among ``aliases``."""
        for number, rule in enumerate(self.rules):
            if rule.collection not in aliases:
                known = ", ".join(sorted(alias for alias in aliases if not alias.endswith(FULL)))
                raise BadPolicy(
                    f"rule.{number}.collection: there is no shared collection {rule.collection!r}; there are {known}; "
                    "create it with: scamfeed collection add"
                )

    def kinds_without_rule(self) -> list[str]:
        """Return the kinds that no rule takes: reports of these are published only for partners that they name."""
        with_rule = {kind for rule in self.rules for kind in rule.kinds or kinds.every()}
        return [kind for kind in kinds.every() if kind not in with_rule]

    def _find_admitted(self, alias: str, facts: ConsensusFacts, sources: frozenset[ReportFacts]) -> bool:
        return any(
            rule.collection == alias and rule.admits(facts) and any(map(rule.takes, sources)) for rule in self.rules
        )

    def _find_aliases(self, source: ReportFacts) -> frozenset[str]:
        return frozenset(rule.collection for rule in self.rules if rule.takes(source))


def default_rules() -> tuple[PolicyRule, ...]:
    """Return the rules of a hub without configured ones: each kind to its own collection, CLEAR also to ``public``."""
    kinds_of: dict[str, list[str]] = {}
    for kind in kinds.every().values():
        kinds_of.setdefault(kind.collection, []).append(kind.name)
    rules = [PolicyRule(collection=alias, kinds=tuple(names)) for alias, names in sorted(kinds_of.items())]
    return (*rules, PolicyRule(collection=PUBLIC, tlp=Tlp.CLEAR))


def read_policy(tables: Iterable[Any]) -> Policy:
    """Read ``[[rule]]`` tables. Raises ``BadPolicy``."""
    rules = []
    for number, table in enumerate(tables):
        try:
            rules.append(PolicyRule.model_validate(table))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(map(str, ("rule", number, *first["loc"])))
            raise BadPolicy(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    return Policy(rules)


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML that has ``[[rule]]`` tables and nothing else. Raises ``BadPolicy``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"not TOML: {error}") from None
    except RecursionError:
        raise BadPolicy("not TOML that anybody writes: lists in lists without end") from None
    tables = document.pop("rule", None)
    if document:
        raise BadPolicy(f"{next(iter(document))}: a policy has [[rule]] tables and nothing else")
    if not isinstance(tables, list) or not tables:
        raise BadPolicy("there is no [[rule]] table: a hub without any rule publishes nothing")
    return read_policy(tables)


def policy_to_toml(policy: Policy) -> str:
    """Return the rules as TOML for the configuration; conditions that a rule does not have are left out."""
    tables = []
    for rule in policy.rules:
        conditions = rule.model_dump(mode="json", exclude_defaults=True)
        tables.append("\n".join(["[[rule]]", *(f"{name} = {_toml(value)}" for name, value in conditions.items())]))
    return "\n\n".join(tables) + "\n"


def _toml(value: Any) -> str:
    """Return a rule's value as TOML: a number, a word without anything to escape, or a list of words."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
