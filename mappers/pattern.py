"""STIX patterns that name observables by their properties: written and read."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from mappers import grammar
from mappers.grammar import Comparison, PatternBudget, Way
from schemas.errors import Rejected


class Terms(NamedTuple):
    """An observable's type and the properties, in their fixed order, that say which one it is."""

    type: str
    properties: Mapping[str, str]


# A longer pattern does not name one observable.
_LONGEST_OF_ONE = 10_000
_LONGEST_BY_GRAMMAR = 2_000
_LONGEST = 1_000_000
_LITERAL = r"'((?:[^'\\]|\\['\\])*)'"
_TERM = re.compile(rf"([a-z0-9-]+):([a-z0-9_]+) = {_LITERAL}")
_OURS = re.compile(rf"\[{_TERM.pattern}(?: AND \1:[a-z0-9_]+ = {_LITERAL})*\]")

# Equalities in any brackets, which others write most; the grammar would take some fifty times as long.
_BLANK = r"[ \t\r\n]"
_PATH = r"[a-zA-Z_][a-zA-Z0-9_]*+(?:\.(?:[a-zA-Z_][a-zA-Z0-9_]*+|'[^'\\]++')|\[\*\])*+"
_SAID = r"(?:'((?:[^'\\]|\\['\\])*+)'|([1-9][0-9]*+))"
_EQUALITY = rf"([a-z][a-z0-9-]*+):({_PATH}){_BLANK}*+==?{_BLANK}*+{_SAID}"
_BRACKET = rf"\[{_BLANK}*+{_EQUALITY}(?:{_BLANK}++(?:AND|OR){_BLANK}++{_EQUALITY})*+{_BLANK}*+\]"
_PLAIN = re.compile(rf"{_BLANK}*+{_BRACKET}(?:{_BLANK}++OR{_BLANK}++{_BRACKET})*+{_BLANK}*+")
_JOINED = re.compile(rf"(AND{_BLANK}|){_BLANK}*+{_EQUALITY}")


def write(terms: Terms) -> str:
    """Write the pattern in canonical form: ``[type:a = 'x' AND type:b = 'y']``."""
    kind = terms.type
    return "[" + " AND ".join(f"{kind}:{name} = '{_escape(text)}'" for name, text in terms.properties.items()) + "]"


def read(pattern: str, budget: PatternBudget | None = None) -> Terms:
    """Return the one observable that a pattern names, in any spelling of equalities joined by AND.

    Raises ``Rejected`` for a text that is no STIX pattern, and for a pattern that does not name a single observable: it
    may be fine for others, but nothing can be compared with it. Patterns of more than 10,000 characters are not read,
    nor those of more than 2,000 that need the grammar. ``budget`` bounds what the grammar reads.
    """
    if len(pattern) > _LONGEST_OF_ONE:
        raise not_comparable()
    if _OURS.fullmatch(pattern):
        found = _TERM.findall(pattern)
        properties = {name: grammar.unescaped(text) for _, name, text in found}
        if len(properties) != len(found):
            raise not_comparable()
        return Terms(found[0][0], properties)
    found_ways = _plainly(pattern) or _by_grammar(pattern, budget)
    if len(found_ways) > 1:
        raise not_comparable(f"the pattern names {len(found_ways)} values or ways to match: send an indicator for each")
    return terms_of_way(found_ways[0])


def ways(pattern: str) -> list[Way]:
    """Return all ways in which a pattern can match, each as the comparisons that have to hold of one observable.

    An empty one is a way that the properties of a single observable cannot tell. Raises ``Rejected`` for a text that is
    no STIX pattern, and for one that is too long: a million characters, or ten thousand for more than equalities.
    """
    return (len(pattern) <= _LONGEST and _plainly(pattern)) or grammar.ways(pattern)


def _by_grammar(pattern: str, budget: PatternBudget | None) -> Sequence[Way]:
    if len(pattern) > _LONGEST_BY_GRAMMAR:
        raise not_comparable()
    if budget is not None:
        budget.spend(pattern)
    return _remembered(pattern)


@lru_cache(maxsize=2048)
def _remembered(pattern: str) -> tuple[Way, ...]:
    """Return the ways of a pattern from a cache: a stored pattern is read again with each report of its value."""
    return tuple(grammar.ways(pattern))


def _plainly(pattern: str) -> list[Way]:
    """Return the ways of a pattern of equalities alone, none for any other."""
    if not _PLAIN.fullmatch(pattern):
        return []
    found: list[list[Comparison]] = []
    for joint, kind, path, text, number in _JOINED.findall(pattern):
        if not joint:
            found.append([])
        found[-1].append(Comparison(kind, path.replace("'", ""), "=", grammar.unescaped(text) or number))
    return [tuple(way) for way in found]


def terms_of_way(way: Way) -> Terms:
    """Return the terms of a way. Raises ``Rejected`` unless it consists of equalities on one type."""
    properties = {comparison.path: comparison.text for comparison in way if comparison.operator == "="}
    if len(properties) != len(way) or len({comparison.type for comparison in way}) != 1:
        raise not_comparable()
    return Terms(way[0].type, properties)


def not_comparable(message: str = "the pattern does not name one observable by equality") -> Rejected:
    """Return the refusal of a pattern, or of a way in which it matches, that nothing can be compared with."""
    return Rejected("pattern-not-comparable", message)


def _escape(text: str) -> str:
    if "'" in text or "\\" in text:
        return text.replace("\\", "\\\\").replace("'", "\\'")
    return text
