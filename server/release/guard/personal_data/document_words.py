"""The words of ``documents.toml`` as expressions for folded texts."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache, cached_property
from importlib.resources import files

from schemas.readings import plain_letters, without_accents
from schemas.text import in_latin_letters, with_latin_looks

_LONG_WORD = 6
# Between the letters of an abbreviation: "P.A.N.".
_STOP = r"\.?"
# Up to five digits right after an abbreviation make it another word, such as "IC3".
_NO_DIGIT = r"(?!\d{1,5}(?!\d))"
_SCRIPTS = r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WITHOUT_BLANKS = re.compile(f"[{_SCRIPTS}]")
# The ends of a word in a script with blanks: a letter of another script may be next to it.
_BEGINS, _ENDS = rf"(?<![^\W\d_{_SCRIPTS}])", rf"(?![^\W\d_{_SCRIPTS}])"
# Where a word can begin: this is checked first, because most letters are in the middle of a word.
_BEGINNING = rf"(?:{_BEGINS}|(?=[{_SCRIPTS}]))"


def folded_text(text: str) -> str:
    """Return a text as the words are compared: plain letters in lower case, without marks and look-alikes."""
    return lowered(in_latin_letters(without_accents(plain_letters(text))))


def lowered(text: str) -> str:
    """Return a text in lower case and without look-alikes, for the expressions; most texts keep their length."""
    return with_latin_looks(text.lower())


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("documents.toml").read_text(encoding="utf-8"))


def _words(idea: str) -> list[str]:
    return list(dict.fromkeys(folded_text(word) for words in _table()[idea].values() for word in words))


def _tree(words: Iterable[str], between: str = "") -> str:
    """Return an expression for the longest of ``words``, with ``between`` the letters. It decides letter by letter."""
    branches: dict[str, list[str]] = {}
    may_end = False
    for word in words:
        if word:
            branches.setdefault(word[0], []).append(word[1:])
        else:
            may_end = True
    inner = "|".join(
        (r"[\s\-]{0,2}" if letter == " " else re.escape(letter)) + between * any(rest) + _tree(rest, between)
        for letter, rest in branches.items()
    )
    return f"(?:{inner})" + "?" * may_end if inner else ""


def _expression(words: list[str]) -> str:
    """Return an expression for ``words``: whole ones, with an ending if they are long, but in scripts without blanks
    anywhere.
    """
    anywhere = [word for word in words if WITHOUT_BLANKS.search(word)]
    whole = [word for word in words if not WITHOUT_BLANKS.search(word)]
    long = [word for word in whole if len(word) >= _LONG_WORD]
    short = [word for word in whole if len(word) < _LONG_WORD]
    choices = [_tree(anywhere)] if anywhere else []
    choices += [rf"{_BEGINS}{_tree(long)}[^\W\d_{_SCRIPTS}]{{0,9}}{_ENDS}"] if long else []
    choices += [rf"{_BEGINS}{_tree(short, _STOP)}s?{_ENDS}"] if short else []
    return "|".join(choices)


def _whole(words: list[str]) -> str:
    """Return an expression for ``words`` as they are, whole except in scripts without blanks."""
    anywhere = [word for word in words if WITHOUT_BLANKS.search(word)]
    whole = [word for word in words if not WITHOUT_BLANKS.search(word)]
    return "|".join(filter(None, (_tree(anywhere), f"{_BEGINS}{_tree(whole)}{_ENDS}")))


class _Patterns:
    """The expressions for the words of the table. Compiling them takes a tenth of a second, so it waits for a text."""

    @cached_property
    def documents(self) -> re.Pattern[str]:
        lettered, abbreviations = (_tree(_words(idea), _STOP) for idea in ("lettered", "abbreviations"))
        return re.compile(
            f"{_BEGINNING}(?:(?P<document>{_expression(_words('documents'))})|(?P<tax>{_expression(_words('taxes'))})"
            f"|(?P<id>{_whole(_words('ids'))})|{_BEGINS}(?:(?P<lettered>{lettered})|{abbreviations}){_ENDS}{_NO_DIGIT})"
        )

    @cached_property
    def number_words(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{_whole(_words('numbers'))})\.?")

    @cached_property
    def small_words(self) -> re.Pattern[str]:
        return re.compile(_whole([word for idea in ("numbers", "persons", "adjectives") for word in _words(idea)]))

    @cached_property
    def other_things(self) -> re.Pattern[str]:
        return re.compile(_whole(_words("others") + _words("hotlines")))

    @cached_property
    def hotlines(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{_whole(_words('hotlines'))})[\s\-:]{{0,3}}$")

    @cached_property
    def places(self) -> re.Pattern[str]:
        return re.compile(rf"[\s\-]{{0,2}}(?:{_whole(_words('places'))})")

    @cached_property
    def units(self) -> re.Pattern[str]:
        return re.compile(rf"[\s\-.,]{{0,2}}(?:{_whole(_words('units'))})")

    @cached_property
    def events(self) -> re.Pattern[str]:
        return re.compile(rf"[\s\-.,]{{0,2}}(?:{_whole(_words('events'))})")

    @cached_property
    def names(self) -> re.Pattern[str]:
        return re.compile(_whole(_words("names")))

    @cached_property
    def companies(self) -> re.Pattern[str]:
        return re.compile(_whole(_words("companies")))


PATTERNS = _Patterns()
