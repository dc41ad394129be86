"""Roles of values in sentences: the owner of a value by the nearest cue before it, with the deciding words."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from feeds.readers.extraction.cues import SCAM, TextPurpose, expression, is_real

# Stands for a value, so that no word of a link or a name counts as a cue.
VALUE = "█"
# Number of characters before and behind a value in which a cue counts, in the same sentence.
_REACH = 220
_VICTIMS_REACH = 60
_REALS_REACH = 60
# Number of characters between a victim and a value of theirs.
_SUBJECTS_REACH = 25
# Number of characters behind a value in which words that clear it count, and before a word for donations in which a
# word for a scam outweighs it.
_CLEARED_REACH = 160
_DONATIONS_REACH = 90
# The longest name, such as a bank's, between the words for somebody's own account and its number.
_OWNERS_REACH = 45
# At most the name of a bank, between the words for somebody's account and its number.
_NAME = re.compile(r"[\s(:]*(?:[A-Z][A-Za-z]{1,11}\s)?[\s(:]*")
# At most a bank and words such as "number" between those words and the number: no other value, and no word for the
# direction of money.
_OWNED = re.compile(
    rf"(?!.*(?:\b(?:to|into|ke|kepada|para|al?|đến|sang|vào|qua|auf|an|pay|paid|transfer\w*|sent)\b|ไปยัง|เข้า|ไปที่|[至到给給入轉转匯汇]))"
    rf"[^{VALUE};!?。]*",
    re.IGNORECASE,
)
# A note in brackets directly after a value: the name of a bank or its code.
_ASIDE = re.compile(
    r"^\s*[(（](?=[^()（）]{0,40}(?:bank|bnk|ifsc|swift|bic|ธนาคาร|ngân hàng|銀行|银行|बैंक|█)|[A-Z][\w &.]{1,30}[)）])"
    r"[^()（）]{0,60}[)）]",
    re.IGNORECASE,
)
_HELPERS_REACH = 80
_ASKS_REACH = 60
_OWN = frozenset({"of_victim", "own"})
_HELPERS = frozenset({"helper", "report"})
# Ideas that only state how people were reached or paid.
_WEAK = frozenset({"paid", "reached"})
# Ideas whose words leave no doubt that a value is somebody else's.
_SURELY_OTHERS = frozenset({"owner_behind", "cleared", "debited_behind", "donation"})
# A run of marks is tried once, from its beginning: a row of dots takes linear time.
_END = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+\s+(?=[A-Z\"'“‘(¿¡█]|[^\x00-\x7f])|[。！？।]|(?<![!?])[!?]++(?=[^\x00-\x7f])"
)
_LAST_WORD = re.compile(r"[^\s(]{1,12}$")
_THAI = re.compile(r"[\u0e00-\u0e7f]\.?$")
_ASKED = re.compile(r"^[^.!。！।]*[?？]")
_BREAK = re.compile(r"[,，;:：]\s*(?!█)|\s[–—-]\s")
_HANDLE = re.compile(r"(?<![\w@.+-])@[A-Za-z0-9_][\w.-]{2,63}")
_NUMBER = re.compile(r"(?<!\d)\d(?:[ ().-]{0,2}\d){5,19}")
_BLANKS = re.compile(r"\s+")
# Kinds of values that receive money; the others are ways to reach people.
MONEY = frozenset({"bank-account", "payment-alias", "wallet"})

# The deciding ideas of ``prose.toml``, with the purpose of a value after them, and whether they apply only to values
# that receive money (True) or only to ways to reach people (False).
_IDEAS: tuple[tuple[str, TextPurpose, bool | None], ...] = (
    ("scam", TextPurpose.VALUES, None),
    ("of_scammer", TextPurpose.VALUES, None),
    ("to_victim", TextPurpose.VALUES, None),
    ("paid", TextPurpose.VALUES, True),
    ("reached", TextPurpose.VALUES, False),
    ("own", TextPurpose.INNOCENT, None),
    ("of_victim", TextPurpose.INNOCENT, None),
    ("victim", TextPurpose.INNOCENT, None),
    ("real", TextPurpose.INNOCENT, None),
    ("donation", TextPurpose.INNOCENT, True),
    ("helper", TextPurpose.CONTACT, None),
    ("report", TextPurpose.CONTACT, None),
    ("sources", TextPurpose.SOURCES, None),
)

# The ideas of words directly after a value, in the order in which they are tried.
_BEHIND: tuple[tuple[str, TextPurpose, bool | None], ...] = (
    ("owner_behind", TextPurpose.INNOCENT, None),
    ("other_behind", TextPurpose.CONTACT, None),
    ("scam_behind", TextPurpose.VALUES, None),
    ("debited_behind", TextPurpose.INNOCENT, True),
    ("credited_behind", TextPurpose.VALUES, True),
)


class ValueRole(NamedTuple):
    """The purpose of a value by a cue: the ``words`` of the cue, and its ``idea`` in ``prose.toml``.

    If ``sure``, the words are directly beside an account of somebody else, or clear it: nothing outweighs them.
    """

    purpose: TextPurpose
    idea: str
    words: str
    sure: bool = False

    @property
    def why(self) -> str:
        """Return the cue as the reason of a decision."""
        return f"{self.idea.replace('_', ' ')}: {self.words!r}" if self.words else self.idea


class _Cue(NamedTuple):
    end: int
    start: int
    purpose: TextPurpose
    idea: str
    money: bool | None


class LineOfSentences:
    """One line of a text with the values in it, in sentences; it gives the role of each value.

    ``before`` is the end of the line above, if the sentence begins there. Time is linear in the length of the line: the
    cues of a sentence are found once for all values in it.
    """

    def __init__(self, text: str, values: Iterable[tuple[int, int]], before: str = "") -> None:
        """Start with the positions of the ``values`` in ``text``, in order and without overlaps."""
        found = (match.span() for shape in (_HANDLE, _NUMBER) for match in shape.finditer(text))
        self._spans = [*_merged([*values, *found])]
        pieces, at, size = [before], 0, len(before)
        self._shifts: list[int] = [size]
        for start, end in self._spans:
            pieces += [text[at:start], VALUE]
            size += start - at + 1
            at = end
            self._shifts.append(size - end)
        self._text = "".join([*pieces, text[at:]])
        self._ends = _sentence_ends(self._text)
        self._cues: dict[tuple[int, bool], list[_Cue]] = {}

    def role(self, start: int, end: int, kind: str) -> ValueRole | None:
        """Return the role of the value of a ``kind`` at a place in the line, None if no cue states it."""
        first, last = self._place(start), self._place(end)
        begin, stop = self._sentence(first)
        money = kind in MONEY
        cues = self._cues_of_sentence(begin, stop, money=money)
        behind = self._behind(last, stop, money=money)
        is_credited = behind is not None and behind.idea == "credited_behind"
        is_scammers = behind is not None and behind.purpose is TextPurpose.VALUES
        if behind and not is_credited and not (is_scammers and self._is_of_victim(cues, first)):
            return behind
        before = self._before(cues, first, money=money)
        return behind if is_credited and not (before and before.purpose is TextPurpose.VALUES) else before

    def _cues_of_sentence(self, begin: int, stop: int, *, money: bool) -> list[_Cue]:
        """Return the cues of a sentence that apply to values that receive money, or to ways to reach people."""
        if (begin, money) not in self._cues:
            found = sorted(_cues_of(self._text[begin:stop], begin), key=lambda cue: (cue.end, cue.start))
            for of_money in (True, False):
                self._cues[begin, of_money] = [cue for cue in found if cue.money in (None, of_money)]
        return self._cues[begin, money]

    def _before(self, cues: list[_Cue], first: int, *, money: bool) -> ValueRole | None:
        """Return the role by the nearest cue before a value, None if there is none."""
        for place in range(bisect_right(cues, first, key=lambda cue: cue.end) - 1, -1, -1):
            cue = cues[place]
            if first - cue.end > _REACH:
                break
            if cue.idea == "victim" and first - cue.end > _VICTIMS_REACH:
                continue
            cue = self._stronger(cues, place)
            sure = cue.idea in _SURELY_OTHERS or (money and cue.idea in _OWN and self._is_owned(cue, first))
            return ValueRole(cue.purpose, cue.idea, self._words(cue), sure)
        return None

    def _is_owned(self, cue: _Cue, first: int) -> bool:
        """Return whether at most a name is between the words for somebody's own account and its number."""
        between = self._text[cue.end : first]
        return len(between) <= _OWNERS_REACH and _OWNED.fullmatch(between) is not None

    def _sentence(self, place: int) -> tuple[int, int]:
        """Return where the sentence at a place begins and ends."""
        sentence = bisect_right(self._ends, place)
        begin = self._ends[sentence - 1] if sentence else 0
        return begin, self._ends[sentence] if sentence < len(self._ends) else len(self._text)

    def _stronger(self, cues: list[_Cue], place: int) -> _Cue:
        """Return the cue at a place, or one before it that decides instead."""
        cue = _decisive(cues, place)
        if cue.idea not in _WEAK:
            return cue
        return _own_before(cues, place) or _real_before(cues, place) or self._helper_before(cues, place) or cue

    def question(self, start: int, end: int) -> str:
        """Return the words that make the sentence of a value only a question about it, "" if it is none."""
        first, last = self._place(start), self._place(end)
        begin, stop = self._sentence(first)
        before, behind = self._text[max(begin, first - _REACH) : first], self._text[last : min(stop, last + _REACH)]
        if _ASKED.search(behind):
            clause = before[max((found.end() for found in _BREAK.finditer(before)), default=0) :]
            if found := expression("question").search(clause):
                return found[0]
        rest = behind.partition(VALUE)[0]
        found = expression("asks").search(f"{before[-_ASKS_REACH:]}{VALUE}{rest[:_ASKS_REACH]}")
        return found[0] if found else ""

    def _behind(self, place: int, stop: int, *, money: bool) -> ValueRole | None:
        """Return the role by the words after a value: directly after it, or words that clear it in its sentence."""
        rest = self._text[place : min(stop, place + _CLEARED_REACH)]
        behind = _ASIDE.sub("", rest).lstrip(" ,)]\"'”*_-–—(")
        for idea, purpose, of_money in _BEHIND:
            if of_money in (None, money) and (found := expression(idea).match(behind[:60])):
                return ValueRole(purpose, idea, found[0], idea in _SURELY_OTHERS)
        if found := expression("cleared").search(rest.partition(VALUE)[0]):
            return ValueRole(TextPurpose.INNOCENT, "cleared", found[0], sure=True)
        return None

    def _is_of_victim(self, cues: list[_Cue], first: int) -> bool:
        """Return whether the words directly before a value call it a victim's own: "customer 081… reports that"."""
        place = bisect_right(cues, first, key=lambda cue: cue.end) - 1
        if place < 0:
            return False
        between = self._text[cues[place].end : first]
        if VALUE in between:
            return False
        if cues[place].idea == "victim":
            return len(between) <= _SUBJECTS_REACH
        return cues[place].idea in _OWN and _NAME.fullmatch(between) is not None

    def _helper_before(self, cues: list[_Cue], place: int) -> _Cue | None:
        """Return the cue of a helper that "or" joins to a weak cue: "call the police on x, or visit y"."""
        weak = cues[place]
        for cue in reversed(cues[max(0, place - 6) : place]):
            if cue.idea in ("scam", "of_scammer") or weak.end - cue.end > _HELPERS_REACH:
                return None
            if cue.idea in _HELPERS:
                between = self._text[cue.end : weak.end]
                ends = [found.end() for found in expression("or").finditer(between)]
                return cue if any(len(between) - (weak.end - weak.start) - end in (0, 1) for end in ends) else None
        return None

    def _words(self, cue: _Cue) -> str:
        return _BLANKS.sub(" ", self._text[cue.start : cue.end]).strip()

    def _place(self, at: int) -> int:
        """Return the place in the text with values replaced."""
        place = bisect_right(self._spans, at, key=lambda span: span[1])
        inside = place < len(self._spans) and self._spans[place][0] <= at
        return (self._spans[place][0] if inside else at) + self._shifts[place]


def _own_before(cues: list[_Cue], place: int) -> _Cue | None:
    """Return the words for somebody's own value directly before a weak cue: "my son's" before "telephone is"."""
    weak = cues[place]
    near = reversed(cues[max(0, place - 6) : place])
    return next((cue for cue in near if cue.idea in _OWN and cue.start < weak.start <= cue.end), None)


def _real_before(cues: list[_Cue], place: int) -> _Cue | None:
    """Return the word for something legitimate near before a weak cue: "the real one is only at the site x"."""
    for cue in reversed(cues[max(0, place - 4) : place]):
        if cues[place].end - cue.end > _REALS_REACH or cue.idea in ("scam", "of_scammer"):
            return None
        if cue.idea == "real":
            return cue
    return None


def _decisive(cues: list[_Cue], place: int) -> _Cue:
    """Return the cue that decides among those that end where the cue at ``place`` ends.

    "called the police at" is a helper's, "my account" the writer's; but "told the victims" is a scammer's act.
    """
    cue = cues[place]
    same = [other for other in cues[max(0, place - 6) : place + 1] if other.end == cue.end]
    others = [one for one in same if one.purpose is not TextPurpose.VALUES and one.idea != "victim"]
    return others[-1] if others else min(same, key=lambda one: (one.idea == "victim", one.start))


def _cues_of(text: str, begin: int) -> Iterable[_Cue]:
    for idea, purpose, money in _IDEAS:
        for match in expression(idea).finditer(text):
            if idea == "real" and not is_real(text[max(0, match.start() - _REALS_REACH) : match.end()]):
                continue
            if idea == "donation" and SCAM.search(text[max(0, match.start() - _DONATIONS_REACH) : match.start()]):
                continue
            yield _Cue(begin + match.end(), begin + match.start(), purpose, idea, money)


def _sentence_ends(text: str) -> list[int]:
    """Return the ends of the sentences in a line; a dot behind an abbreviation or a Thai letter ends none."""
    ends = []
    for match in _END.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        if text[match.start()] == ".":
            word = _LAST_WORD.search(before)
            if _THAI.search(before) or (word and expression("abbreviation").fullmatch(word[0])):
                continue
        ends.append(match.end())
    return ends


def _merged(spans: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield spans in order, without those that begin inside another."""
    last = 0
    for start, end in sorted(spans):
        if start >= last:
            yield start, end
            last = end
