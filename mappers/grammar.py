"""STIX patterns read by their official grammar as the ways in which they can match (STIX 2.1 §9)."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from schemas.errors import Rejected

# The grammar takes a tenth of a second and more for a longer pattern.
_LONGEST = 10_000
TOO_COSTLY = "pattern-too-costly"
# More comparisons, in all ways, are only in patterns that were made to be costly.
_MOST = 5_000
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


def ways(pattern: str) -> list[Way]:
    """Return the ways in which a pattern can match, each a conjunction of comparisons; an empty one is any other way.

    Raises ``Rejected`` for a text that is no STIX pattern, and for one of more than 10,000 characters.
    """
    from stix2patterns.exceptions import ParseException  # the grammar takes time to load, and few need it
    from stix2patterns.v21.pattern import Pattern  # which takes what that of STIX 2.0 does

    if len(pattern) > _LONGEST:
        message = f"the pattern is longer than {_LONGEST} characters: send an indicator for each value"
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
            ways = self._of(operand)
            factors.append(ways)
            number *= len(ways)
            length += max(map(len, ways))
            if number * length > _MOST:
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
