"""Fairness: how and how fast providers and objections were answered, and which listings were found wrong."""

from collections.abc import Iterable
from datetime import timedelta

from server.features.trends import figures
from server.features.trends.answers import OBJECTION, FairAnswer
from server.features.trends.counts import FigureTally, Words
from server.features.trends.figures import Dimension

IN_TIME, LATE = "in-time", "late"
PROVIDER = "keeper"


def count(found: Iterable[FairAnswer], tally: FigureTally, target: timedelta) -> None:
    """Count findings and decisions, each on its own day; ``target`` is the time that providers have."""
    for answer in found:
        if answer.to == OBJECTION:
            _count_objection(answer, tally)
        else:
            _count_of_provider(answer, tally, target)


def _count_objection(answer: FairAnswer, tally: FigureTally) -> None:
    words = _words(answer, is_late=answer.due is not None and answer.ended > answer.due)
    took = answer.ended - answer.began
    tally.time(figures.OBJECTIONS_DECIDED.name, answer.ended, took, words)
    if answer.is_open:
        tally.time(figures.OBJECTIONS.name, answer.ended, took, words, _reporters(answer))


def _count_of_provider(answer: FairAnswer, tally: FigureTally, target: timedelta) -> None:
    took = answer.ended - answer.began
    if answer.is_first:
        words = _words(answer, is_late=took > target // timedelta(microseconds=1))
        tally.time(figures.ANSWERS_GIVEN.name, answer.ended, took, words)
        if answer.is_open:
            tally.time(figures.PROVIDER_ANSWERS.name, answer.ended, took, words, (answer.organisation,))
    if answer.is_wrong and answer.is_open:
        words, by = {Dimension.KIND: (answer.kind,), Dimension.NOTICED_BY: (PROVIDER,)}, _reporters(answer)
        tally.count(figures.WRONG.name, answer.ended, words, by)
        tally.time(figures.WRONG_LISTED.name, answer.ended, took, words, by)


def _words(answer: FairAnswer, *, is_late: bool) -> Words:
    return {
        Dimension.KIND: (answer.kind,),
        Dimension.ANSWER: (answer.answer,),
        Dimension.TIMELINESS: (LATE if is_late else IN_TIME,),
    }


def _reporters(answer: FairAnswer) -> list[str]:
    return answer.organisations.split("\n") if answer.organisations else []
