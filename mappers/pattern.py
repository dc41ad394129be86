"""STIX patterns that name observables by their properties: written, and read, by the official grammar if needed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from schemas.errors import Rejected

# The grammar takes a tenth of a second and more for a longer pattern.
_LONGEST_PARSED = 10_000
TOO_COSTLY = "pattern-too-costly"
# More comparisons, in all ways, are only in patterns that were made to be costly.
_MOST_COMPARISONS = 5_000
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# A way that the properties of one object cannot tell: several objects, times, or too many combinations.
_OTHERWISE = ((),)
_OPERATORS = {"=": "=", "==": "=", "IN": "=", "LIKE": "LIKE"}


class PatternBudget:
    """The characters that the grammar may read for one sender at once, at some ten microseconds each."""

    def __init__(self, characters: int) -> None:
        """Allow so many characters."""
        self._left = characters

    def spend(self, pattern: str) -> None:
        """Spend a pattern's length of the budget. Raises ``Rejected`` where less is left."""
        if len(pattern) > self._left:
            raise Rejected(
                TOO_COSTLY,
                "the patterns sent at once take too long to read: send fewer at once, each plainly as "
                "[type:property = 'value']",
            )
        self._left -= len(pattern)


class Comparison(NamedTuple):
    """A condition on one property: ``operator`` is ``=`` or ``LIKE``, or empty for one that names no value."""

    type: str
    path: str
    operator: str
    text: str


Way = tuple[Comparison, ...]


def ways_by_grammar(pattern: str) -> list[Way]:
    """Return the ways in which a pattern can match, each a conjunction of comparisons; an empty one is any other way.

    Raises ``Rejected`` for a text that is no STIX pattern, and for one of more than 10,000 characters.
    """
    from stix2patterns.exceptions import ParseException  # the grammar takes time to load, and few need it
    from stix2patterns.v21.pattern import Pattern  # which takes what that of STIX 2.0 does

    if len(pattern) > _LONGEST_PARSED:
        message = f"the pattern is longer than {_LONGEST_PARSED} characters: send an indicator for each value"
        raise Rejected("pattern-not-comparable", message)
    if not pattern.strip():  # which the grammar's own code stumbles over
        raise _no_pattern()
    found: list[Way] = []
    try:
        Pattern(pattern).visit(_Ways(found))
    except RecursionError:
        return [*_OTHERWISE]
    except ParseException as error:
        raise _no_pattern() from error
    return found


def unescaped(text: str) -> str:
    """Return the text inside a quoted literal."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


class _Ways:
    """Visits the parse tree, node by node, each by the name of its rule."""

    def __init__(self, found: list[Way]) -> None:
        self._found = found

    def visit(self, tree: Any) -> None:
        """Visit the whole tree."""
        self._found.extend(self._of(tree.getChild(0)))

    def _of(self, node: Any) -> tuple[Way, ...]:
        name = type(node).__name__.removesuffix("Context")
        if name.startswith("PropTest") and name != "PropTestParen":
            return tuple((comparison,) for comparison in _comparisons(node, name.removeprefix("PropTest")))
        if name in ("ObservationExpressionSimple", "ObservationExpressionCompound", "PropTestParen"):
            return self._of(node.getChild(1))
        operands = _operands(node)
        if operands == [node]:
            return _OTHERWISE  # repeated, or bound to a time
        if len(operands) == 1:
            return self._of(operands[0])
        if name in ("ObservationExpressionOr", "ComparisonExpression"):
            return self._any(operands)
        if name == "ComparisonExpressionAnd":
            return self._all(operands)
        return _OTHERWISE  # of several observations none is enough by itself

    def _any(self, operands: list[Any]) -> tuple[Way, ...]:
        return tuple(way for operand in operands for way in self._of(operand))

    def _all(self, operands: list[Any]) -> tuple[Way, ...]:
        factors, number, length = [], 1, 0
        for operand in operands:
            found = self._of(operand)
            factors.append(found)
            number *= len(found)
            length += max(map(len, found))
            if number * length > _MOST_COMPARISONS:
                return _OTHERWISE
        return tuple(sum(parts, ()) if all(parts) else () for parts in product(*factors))


def _operands(node: Any) -> list[Any]:
    """Return the operands of a rule that nests to the left, one level for each operator."""
    rule, found, rest = type(node), [], [node]
    while rest:
        each = rest.pop()
        if type(each) is rule and each.getChildCount() in (1, 3):
            rest += list(each.getChildren())[::2]
        else:
            found.append(each)
    return found[::-1]


def _comparisons(node: Any, test: str) -> Iterator[Comparison]:
    first, *operators, last = node.getChildren()
    path, literal = (last, first) if test == "Exists" else (first, last)
    kind, _, properties = path.getText().partition(":")
    operator = _OPERATORS.get(" ".join(part.getText() for part in operators), "")
    texts = [literal.getText()]
    if test == "Set":
        texts = [part.getText() for part in list(literal.getChildren())[1:-1:2]] or ["()"]
    for text in texts:
        quoted, number = text[0] == "'", text[0] in "+-0123456789"
        value = unescaped(text[1:-1]) if quoted else text
        yield Comparison(kind, properties.replace("'", ""), operator if quoted or number else "", value)


def _no_pattern() -> Rejected:
    return Rejected("pattern-form", "not a STIX pattern by the grammar of STIX 2.1 §9")


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
        properties = {name: unescaped(text) for _, name, text in found}
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
    return (len(pattern) <= _LONGEST and _plainly(pattern)) or ways_by_grammar(pattern)


def _by_grammar(pattern: str, budget: PatternBudget | None) -> Sequence[Way]:
    if len(pattern) > _LONGEST_BY_GRAMMAR:
        raise not_comparable()
    if budget is not None:
        budget.spend(pattern)
    return _remembered(pattern)


@lru_cache(maxsize=2048)
def _remembered(pattern: str) -> tuple[Way, ...]:
    """Return the ways of a pattern from a cache: a stored pattern is read again with each report of its value."""
    return tuple(ways_by_grammar(pattern))


def _plainly(pattern: str) -> list[Way]:
    """Return the ways of a pattern of equalities alone, none for any other."""
    if not _PLAIN.fullmatch(pattern):
        return []
    found: list[list[Comparison]] = []
    for joint, kind, path, text, number in _JOINED.findall(pattern):
        if not joint:
            found.append([])
        found[-1].append(Comparison(kind, path.replace("'", ""), "=", unescaped(text) or number))
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
