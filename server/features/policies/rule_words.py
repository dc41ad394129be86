"""The tables of a policy in words: their conditions, and the changes from one policy to another."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas import kinds
from schemas.takedown import duration_text
from server.release.route.deadlines import PolicyDeadline
from server.release.route.policy import PUBLIC, Policy, PolicyRule
from server.web.shell.hub_texts import word_text
from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

# The conditions in the order of the form: the title, the meaning, and the rule without it.
TITLES: Mapping[str, Translatable] = MappingProxyType(
    {
        "kinds": mark("Kinds of values"),
        "tlp": mark("Narrowest marking (TLP)"),
        "from_kinds": mark("Reported by"),
        "grades": mark("Recommended actions"),
        "countries": mark("Countries"),
        "least_confidence": mark("Least confidence"),
        "least_reporters": mark("Least number of reporters"),
    }
)
TITLES_OF_DEADLINES: Mapping[str, Translatable] = MappingProxyType(
    {
        "basis": mark("Basis"),
        "asks": mark("What is asked"),
        "countries": mark("Countries of the host"),
        "time": mark("Longest time for a response"),
    }
)
_ALL_REQUESTS: Mapping[str, Translatable] = MappingProxyType(
    {"basis": mark("every basis"), "asks": mark("every takedown request"), "countries": mark("every country")}
)
MEANINGS: Mapping[str, Translatable] = MappingProxyType(
    {
        "kinds": mark("Only reports of these kinds enter. Without a choice: all kinds."),
        "tlp": mark(
            "Reports with this marking or a wider one enter. Without a choice: amber; for the public collection, clear."
        ),
        "from_kinds": mark("Only reports of these kinds of organisations enter. Without a choice: all of them."),
        "grades": mark("Only values with one of these actions are listed. Without a choice: all actions."),
        "countries": mark(
            "Only values that concern one of these countries are listed: two letters each, such as TH, KH. Empty: all."
        ),
        "least_confidence": mark("From 0 to 100. Without a number: 0, so that every value is listed."),
        "least_reporters": mark("How many organisations must report the value. Without a number: 1."),
    }
)
_DEFAULTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "kinds": mark("all kinds"),
        "tlp": mark("amber"),
        "from_kinds": mark("every kind of organisation"),
        "grades": mark("every action"),
        "countries": mark("every country"),
        "least_confidence": mark("any confidence"),
        "least_reporters": mark("one reporter"),
    }
)
_CLEAR = mark("clear")
_DEADLINE = mark("Time for responses to takedown requests")


class RuleChange(NamedTuple):
    """A rule that was added, removed or changed, with its conditions before and after; a missing side is empty."""

    sign: str
    collection: str
    conditions: Sequence[tuple[str, str, str]]


def conditions(language: Language, rule: PolicyRule) -> list[tuple[str, str, bool]]:
    """Return each condition of a rule in words, and whether it differs from the default."""
    return [
        (
            language.text(title),
            _value(language, name, rule),
            getattr(rule, name) != PolicyRule.model_fields[name].default,
        )
        for name, title in TITLES.items()
    ]


def conditions_of_deadline(language: Language, deadline: PolicyDeadline) -> list[tuple[str, str, bool]]:
    """Return each condition of a deadline and its time in words, and whether it differs from the default."""
    return [
        (language.text(title), _value_of_deadline(language, name, deadline), bool(getattr(deadline, name)))
        for name, title in TITLES_OF_DEADLINES.items()
    ]


def _value_of_deadline(language: Language, name: str, deadline: PolicyDeadline) -> str:
    if name == "time":
        return duration_text(deadline.time)
    values: Sequence[str] = getattr(deadline, name)
    if not values:
        return language.text(_ALL_REQUESTS[name])
    return ", ".join(_words(language, name, values))


def changes(language: Language, before: Policy | None, after: Policy) -> list[RuleChange]:
    """Return the changes from a policy to another in words; without a policy before, all rules are added."""
    old, new = list(before.rules if before else ()), list(after.rules)
    for rule in [rule for rule in old if rule in new]:
        old.remove(rule)
        new.remove(rule)
    found = []
    for rule in new:
        # A rule of the same collection counts as the same, changed.
        earlier = next((each for each in old if each.collection == rule.collection), None)
        if earlier is not None:
            old.remove(earlier)
        found.append(RuleChange("changed" if earlier else "added", rule.collection, _pairs(language, earlier, rule)))
    found += [RuleChange("removed", rule.collection, _pairs(language, rule, None)) for rule in old]
    return found + _changed_deadlines(language, before.deadlines if before else (), after.deadlines)


def _changed_deadlines(
    language: Language, before: Sequence[PolicyDeadline], after: Sequence[PolicyDeadline]
) -> list[RuleChange]:
    """Return the deadlines that only one of two policies has at this place: the first one that applies counts."""
    title = language.text(_DEADLINE)
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    found = []
    for sign, begin, end, new_begin, new_end in steps:
        if sign != "equal":
            for one in before[begin:end]:
                pairs = [(name, value, "") for name, value, is_set in conditions_of_deadline(language, one) if is_set]
                found.append(RuleChange("removed", title, pairs))
            for one in after[new_begin:new_end]:
                pairs = [(name, "", value) for name, value, is_set in conditions_of_deadline(language, one) if is_set]
                found.append(RuleChange("added", title, pairs))
    return found


def _pairs(language: Language, before: PolicyRule | None, after: PolicyRule | None) -> list[tuple[str, str, str]]:
    """Return the conditions that differ; of one rule alone, those that are no default."""
    found = []
    for name, title in TITLES.items():
        default = PolicyRule.model_fields[name].default
        was, now = (default if rule is None else getattr(rule, name) for rule in (before, after))
        if was != now:
            was, now = ("" if rule is None else _value(language, name, rule) for rule in (before, after))
            found.append((language.text(title), was, now))
    return found


def _value(language: Language, name: str, rule: PolicyRule) -> str:
    """Return a condition of a rule in words."""
    value: Any = getattr(rule, name)
    if value == PolicyRule.model_fields[name].default:
        is_public = name == "tlp" and rule.collection == PUBLIC
        return language.text(_CLEAR if is_public else _DEFAULTS[name])
    if isinstance(value, tuple):
        return ", ".join(_words(language, name, value))
    return language.number(value) if isinstance(value, int) else str(value)


def _words(language: Language, name: str, values: Sequence[str]) -> Iterator[str]:
    for value in values:
        if name == "kinds":
            yield kinds.get(value).title[language.code]
        elif name == "countries":
            yield str(language.locale.territories.get(value, value))
        elif name == "basis":
            yield word_text(language, f"basis-{value}")
        else:
            yield word_text(language, str(value))
