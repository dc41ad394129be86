"""The release policy: rules that admit reports to collections. A rule can narrow TLP, and never widens it."""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas import kinds
from schemas.partner import OWN_ALIASES, CountryCode, PartnerKind
from schemas.vocabulary import Action, Tlp
from server.release.fuse.newcomers import NewcomerRule
from server.release.route.deadlines import PolicyDeadline

Table = TypeVar("Table", bound=BaseModel)
_NEWCOMERS = NewcomerRule()
MOST_DEADLINES = 100
PUBLIC = "public"
FULL = "-full"
# The TLP levels of shared collections, whose readers are partners: AMBER is for organisations that need to know.
SHARED = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
_UP_TO = {tlp: frozenset(SHARED[: place + 1]) for place, tlp in enumerate(SHARED)}

_LINE_AND_COLUMN = re.compile(r"line (\d+), column (\d+)")
_ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class BadPolicy(ValueError):
    """The rules are not valid; the message names the rule's key and what to do.

    ``reason`` is a stable code. ``place`` is a key, or line and column as in 3:14; "" is the whole text.
    """

    def __init__(self, reason: str, message: str, place: str = "") -> None:
        """Refuse rules for ``reason``, explained by ``message``."""
        super().__init__(message)
        self.reason = reason
        self.place = place


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
        raise ValueError("no rule can fill an inbox or a private collection")
    return alias


def _released(tlp: Tlp | None) -> Tlp | None:
    if tlp is not None and tlp not in SHARED:
        raise ValueError("amber+strict and red are only for named partners; no rule admits them to a shared collection")
    return tlp


class PolicyRule(BaseModel):
    """One way into a collection: all of its conditions have to hold.

    ``kinds``, ``tlp`` and ``from_kinds`` are conditions on a report; ``grades``, ``countries``, ``least_confidence``
    and ``least_reporters`` are conditions on the consensus of all reports of a value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: Annotated[str, Field(description="alias, without -full"), AfterValidator(shared_alias)]
    kinds: tuple[Annotated[str, AfterValidator(_kind)], ...] = ()
    tlp: Annotated[
        Tlp | None,
        Field(description="the narrowest level that it admits; wider ones are admitted too"),
        AfterValidator(_released),
    ] = None
    from_kinds: Annotated[tuple[PartnerKind, ...], Field(description="kinds of the reporting partner")] = ()
    grades: tuple[Action, ...] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(description="at least one of them is concerned")] = ()
    least_confidence: Annotated[int, Field(ge=0, le=100)] = 0
    least_reporters: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _public_is_clear(self) -> Self:
        if self.collection == PUBLIC and self.tlp not in (None, Tlp.CLEAR):
            raise ValueError("anybody can read public: it admits only tlp clear")
        return self

    @property
    def levels(self) -> frozenset[Tlp]:
        """Return the TLP levels that it admits."""
        narrowest = self.tlp or (Tlp.CLEAR if self.collection == PUBLIC else Tlp.AMBER)
        return _UP_TO[narrowest]

    def takes(self, source: "ReportFacts") -> bool:
        """Return whether the rule admits a report, as far as that depends on the report alone."""
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


class DecidedTables(NamedTuple):
    """The tables of a policy that was decided under dual control."""

    rules: tuple[PolicyRule, ...] = ()
    deadlines: tuple[PolicyDeadline, ...] = ()


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
    """The rules of a hub: a collection takes values that at least one of its rules admits."""

    def __init__(
        self,
        rules: Iterable[PolicyRule] = (),
        newcomers: NewcomerRule = _NEWCOMERS,
        deadlines: Iterable[PolicyDeadline] = (),
    ) -> None:
        """Use ``rules``, or ``default_rules`` if there are none; ``newcomers`` decides which partners are new.

        ``deadlines`` are the times for responses to takedown requests.
        """
        self.newcomers = newcomers
        given = tuple(rules)
        self.deadlines = tuple(deadlines)
        self.is_default = not given and not self.deadlines
        self.rules = given or default_rules()
        self._aliases = lru_cache(maxsize=4096)(self._find_aliases)
        self._admits = lru_cache(maxsize=4096)(self._find_admitted)

    def aliases(self, source: ReportFacts) -> frozenset[str]:
        """Return the aliases of the shared collections that a report may enter, as far as the report alone decides."""
        return self._aliases(source)

    def admits(self, alias: str, facts: ConsensusFacts, sources: Iterable[ReportFacts]) -> bool:
        """Return whether a value enters a collection through the reports ``sources``, whose consensus has ``facts``."""
        return self._admits(alias, facts, frozenset(sources))

    def refuse_unknown(self, aliases: Collection[str]) -> None:
        """Raise ``BadPolicy`` if a rule names a collection that is not among ``aliases``."""
        for number, rule in enumerate(self.rules):
            if rule.collection not in aliases:
                known = ", ".join(sorted(alias for alias in aliases if not alias.endswith(FULL)))
                raise BadPolicy(
                    "policy-no-collection",
                    f"rule.{number}.collection: there is no shared collection {rule.collection!r}; there are {known}; "
                    "create it with: scamfeed collection add",
                    f"rule.{number}.collection",
                )

    def kinds_without_rule(self) -> list[str]:
        """Return the kinds without a rule: their reports are published only for partners that they name."""
        with_rule = {kind for rule in self.rules for kind in rule.kinds or kinds.every()}
        return [kind for kind in kinds.every() if kind not in with_rule]

    def _find_admitted(self, alias: str, facts: ConsensusFacts, sources: frozenset[ReportFacts]) -> bool:
        return any(
            rule.collection == alias and rule.admits(facts) and any(map(rule.takes, sources)) for rule in self.rules
        )

    def _find_aliases(self, source: ReportFacts) -> frozenset[str]:
        return frozenset(rule.collection for rule in self.rules if rule.takes(source))


def default_rules() -> tuple[PolicyRule, ...]:
    """Return the default rules of a hub: each kind to its own collection, CLEAR also to ``public``."""
    kinds_of: dict[str, list[str]] = {}
    for kind in kinds.every().values():
        kinds_of.setdefault(kind.collection, []).append(kind.name)
    rules = [PolicyRule(collection=alias, kinds=tuple(names)) for alias, names in sorted(kinds_of.items())]
    return (*rules, PolicyRule(collection=PUBLIC, tlp=Tlp.CLEAR))


def read_policy(tables: Iterable[Any], deadlines: Iterable[Any] = ()) -> Policy:
    """Read ``[[rule]]`` and ``[[deadline]]`` tables. Raises ``BadPolicy``."""
    rules = [_read(PolicyRule, "rule", number, table) for number, table in enumerate(tables)]
    return Policy(
        rules,
        deadlines=[_read(PolicyDeadline, "deadline", number, table) for number, table in enumerate(deadlines)],
    )


def _read(model: type[Table], name: str, number: int, table: Any) -> Table:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, (name, number, *first["loc"])))
        raise BadPolicy("policy-rule", f"{place}: {first['msg'].removeprefix('Value error, ')}", place) from None


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML that has ``[[rule]]`` and ``[[deadline]]`` tables only. Raises ``BadPolicy``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE_AND_COLUMN.search(str(error))
        raise BadPolicy("policy-not-toml", f"not TOML: {error}", ":".join(found.groups()) if found else "") from None
    except RecursionError:
        raise BadPolicy("policy-not-toml", "not TOML that can be read: nested too deeply") from None
    tables, deadlines = document.pop("rule", None), document.pop("deadline", [])
    if document or not isinstance(deadlines, list) or len(deadlines) > MOST_DEADLINES:
        key = next(iter(document), "deadline")
        allowed = f"a policy has [[rule]] tables, and at most {MOST_DEADLINES} [[deadline]] tables, and nothing else"
        raise BadPolicy("policy-other-tables", f"{key}: {allowed}", key)
    if not isinstance(tables, list) or not tables:
        raise BadPolicy("policy-no-rule", "there is no [[rule]] table: a hub without rules publishes nothing")
    return read_policy(tables, deadlines)


def policy_to_toml(policy: Policy) -> str:
    """Return the policy as TOML for the configuration; conditions that a table does not have are omitted."""
    return tables_to_toml(written_tables(policy.rules), written_tables(policy.deadlines))


def written_tables(models: Iterable[BaseModel]) -> list[dict[str, Any]]:
    """Return rules or deadlines as tables, without the conditions that they do not have."""
    return [model.model_dump(mode="json", exclude_defaults=True) for model in models]


def tables_to_toml(rules: Iterable[Mapping[str, Any]], deadlines: Iterable[Mapping[str, Any]] = ()) -> str:
    """Return tables of rules and deadlines, valid or not, as TOML."""
    named = [*(("rule", table) for table in rules), *(("deadline", table) for table in deadlines)]
    written = (
        "\n".join([f"[[{name}]]", *(f"{key} = {_toml(value)}" for key, value in t.items())]) for name, t in named
    )
    return "\n\n".join(written) + "\n"


def _toml(value: Any) -> str:
    """Return a rule's value as TOML: a number, a text (written as in JSON), or a list of texts."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
