"""STIX patterns that name one observable by its properties: written, and read back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.errors import Rejected


class Terms(NamedTuple):
    """An observable's type and the properties, in their fixed order, that say which one it is."""

    type: str
    properties: Mapping[str, str]


# A longer pattern takes the grammar seconds, and names no one observable.
_LONGEST = 10_000
_LITERAL = r"'((?:[^'\\]|\\['\\])*)'"
_TERM = re.compile(rf"([a-z0-9-]+):([a-z0-9_]+) = {_LITERAL}")
_OURS = re.compile(rf"\[{_TERM.pattern}(?: AND \1:[a-z0-9_]+ = {_LITERAL})*\]")
_ESCAPED = re.compile(r"\\(.)")


def write(terms: Terms) -> str:
    """Write the pattern in canonical form: ``[type:a = 'x' AND type:b = 'y']``."""
    kind = terms.type
    return "[" + " AND ".join(f"{kind}:{name} = '{_escape(text)}'" for name, text in terms.properties.items()) + "]"


def read(pattern: str) -> Terms:
    """Read which one observable a pattern names, in any spelling of equalities joined by AND.

    Raises ``Rejected`` for a pattern that is no STIX pattern, or that names no single observable: it may be fine for
    others, but nothing can be compared with it. Patterns longer than 10,000 characters are not read.
    """
    if len(pattern) > _LONGEST:
        raise _not_comparable()
    if _OURS.fullmatch(pattern):
        found = _TERM.findall(pattern)
        return _terms(found[0][0], [(name, _ESCAPED.sub(r"\1", text)) for _, name, text in found])
    return _read_by_grammar(pattern)


def _terms(kind: str, pairs: Sequence[tuple[str, str]]) -> Terms:
    """Give the terms; raises ``Rejected`` for a property that is said twice, which no single value is."""
    properties = dict(pairs)
    if len(properties) != len(pairs):
        raise _not_comparable()
    return Terms(kind, properties)


def _escape(text: str) -> str:
    if "'" in text or "\\" in text:
        return text.replace("\\", "\\\\").replace("'", "\\'")
    return text


def _read_by_grammar(pattern: str) -> Terms:
    """Read through the official grammar, some hundred times as slow as the expression above."""
    from stix2.pattern_visitor import create_pattern_object  # costs a second to import, and few need it
    from stix2.patterns import ObservationExpression
    from stix2patterns.exceptions import ParseException

    try:
        parsed = create_pattern_object(pattern, version="2.1")
    except RecursionError:
        raise _not_comparable() from None
    except (ParseException, ValueError, AttributeError, TypeError, UnboundLocalError) as error:  # all are seen
        raise Rejected("pattern-form", "not a STIX pattern by the grammar of STIX 2.1 §9") from error
    if not isinstance(parsed, ObservationExpression):
        raise _not_comparable()
    comparisons = list(_equalities(parsed.operand))
    types = {comparison.lhs.object_type_name for comparison in comparisons}
    if len(types) != 1:
        raise _not_comparable()
    pairs = [
        (".".join(str(component) for component in comparison.lhs.property_path), str(comparison.rhs.value))
        for comparison in comparisons
    ]
    return _terms(types.pop(), pairs)


def _equalities(expression: Any) -> Iterator[Any]:
    """Give the equalities of which ``expression`` is the conjunction; raises ``Rejected`` where it is none."""
    from stix2.patterns import AndBooleanExpression, EqualityComparisonExpression, ParentheticalExpression

    if isinstance(expression, ParentheticalExpression):
        yield from _equalities(expression.expression)
    elif isinstance(expression, AndBooleanExpression):
        for operand in expression.operands:
            yield from _equalities(operand)
    elif isinstance(expression, EqualityComparisonExpression) and not expression.negated:
        yield expression
    else:
        raise _not_comparable()


def _not_comparable() -> Rejected:
    return Rejected("pattern-not-comparable", "the pattern does not name one observable by equality")
