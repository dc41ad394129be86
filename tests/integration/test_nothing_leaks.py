"""A partner outside a contribution's audience sees the same bytes as on a hub without that contribution."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.integration.two_worlds import (
    NAMES,
    VALUES,
    Clock,
    Ground,
    Step,
    difference,
    hub_ids,
    prepared,
    readers_of,
    world_on,
)
from tests.searches import examples

_LIMITS: tuple[dict[str, str], ...] = (
    {"tlp": "red"},
    {"tlp": "red", "only_partners": "Police"},
    {"tlp": "amber+strict", "only_partners": "Police;Second Bank"},
    {"tlp": "amber", "not_to_countries": "KH"},
    {"tlp": "green", "only_countries": "KH"},
    {"tlp": "clear", "only_partner_kinds": "government"},
    {"tlp": "green", "not_to_partners": "First Bank;Platform"},
    {"tlp": "amber", "purposes": "law-enforcement"},
    {"tlp": "clear", "only_partners": "Newcomer", "onward": "no"},
)
_VALUES = st.integers(0, len(VALUES) - 1)


def _columns(*choices: dict[str, str]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    confidence = st.sampled_from(({}, {"confidence": "30"}, {"confidence": "95", "action": "block"}))
    return st.tuples(st.sampled_from(choices), confidence).map(lambda both: tuple((both[0] | both[1]).items()))


_OPEN = _columns({"tlp": "clear"}, {"tlp": "green"}, {"tlp": "amber"}, {})
_ANNOTATIONS = ("sighting", "blocked", "no-action")
_VISIBLE = st.one_of(
    st.builds(Step, st.sampled_from(NAMES), st.just("report"), _VALUES, _OPEN),
    st.builds(
        Step,
        st.sampled_from(NAMES),
        st.sampled_from((*_ANNOTATIONS, "retract")),
        _VALUES,
        st.just(()),
    ),
)
_HIDDEN_REPORTER = "Exchange"
_MEMBERS_ONLY = st.builds(Step, st.just(_HIDDEN_REPORTER), st.just("report"), _VALUES, st.just((("tlp", "green"),)))
_HIDDEN = st.builds(
    Step,
    st.just(_HIDDEN_REPORTER),
    st.sampled_from(("report", "report", "sighting", "blocked")),
    _VALUES,
    _columns(*_LIMITS),
)
# Hidden steps carry the flag True. Retracting a report with sharing limits is hidden as well.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(False), _VISIBLE.filter(lambda step: step.by != _HIDDEN_REPORTER)),
        st.tuples(st.just(True), _HIDDEN),
        st.tuples(st.just(True), _MEMBERS_ONLY),
        st.tuples(st.just(True), st.builds(Step, st.just(_HIDDEN_REPORTER), st.just("retract"), _VALUES)),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with TemporaryDirectory() as folder:
        yield prepared(Path(folder))


def assert_no_visible_difference(ground: Ground, steps: list[tuple[bool, Step]]) -> None:
    """Run all steps on one hub and only the visible ones on another, and compare the views outside the audience."""
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory() as folder,
        world_on(ground, Path(folder) / "with.db") as with_hidden,
        world_on(ground, Path(folder) / "without.db") as without_hidden,
    ):
        clock = Clock(patch)
        # Page tags grow by random amounts. Here a tag counts how often the rows of a page have changed.
        patch.setattr("server.store.objects.rows.secrets.randbelow", lambda _: 0)
        reports = [Step(step.by, "report", step.value, step.columns) for hidden, step in steps if hidden]
        audience = {_HIDDEN_REPORTER}.union(*(readers_of(with_hidden, step) for step in reports if step.columns))
        # A partner that reports the same value learns of other members' reports without sharing limits.
        open_to_members = {step.value for step in reports if step.columns == GREEN}
        audience |= {step.by for _, step in steps if step.value in open_to_members}
        for number, (hidden, step) in enumerate(steps):
            clock.at(number)
            if not hidden and step.what in _ANNOTATIONS and step.by in audience:
                continue  # such an annotation has at most the audience of the report
            if hidden and step.what == "retract" and step.value in open_to_members:
                continue  # shared collections count listings together: the public id reveals an earlier listing
            with_hidden.take(number, step)
            if not hidden:
                without_hidden.take(number, step)
        clock.at(len(steps))
        ids = hub_ids(with_hidden, {step.value for _, step in steps})
        for name in sorted(set(NAMES) - audience):
            assert with_hidden.answers_to(name) == without_hidden.answers_to(name)
            seen, expected = with_hidden.sees(name, ids), without_hidden.sees(name, ids)
            for path, answer in expected.items():
                assert seen[path] == answer, f"{name}: {path}: {difference(seen[path][2], answer[2])}"
            assert seen.keys() == expected.keys()


RED = (("tlp", "red"), ("only_partners", "Police"))
GREEN = (("tlp", "green"),)
CLEAR = (("tlp", "clear"),)
HIDDEN = (True, Step(_HIDDEN_REPORTER, columns=RED))
OPEN = (False, Step("First Bank", columns=GREEN))

SCENES: dict[str, list[tuple[bool, Step]]] = {
    "a hidden report of a value known to all": [OPEN, HIDDEN],
    "a hidden report before an open one": [HIDDEN, OPEN],
    "a report by another partner after a hidden retraction": [HIDDEN, (True, Step(_HIDDEN_REPORTER, "retract")), OPEN],
    "an open report is retracted and another one follows": [
        OPEN,
        HIDDEN,
        (False, Step("First Bank", "retract")),
        (False, Step("Platform", columns=GREEN)),
    ],
    "a sighting of a guessed id": [HIDDEN, (False, Step("Platform", "sighting"))],
    "an outcome for a guessed id": [HIDDEN, (False, Step("Platform", "blocked"))],
    "a hidden report and sighting of a sighted value": [
        OPEN,
        (False, Step("Platform", "sighting")),
        HIDDEN,
        (True, Step(_HIDDEN_REPORTER, "sighting", columns=RED)),
    ],
    "a members-only report before a public one": [
        (True, Step(_HIDDEN_REPORTER, columns=GREEN)),
        (False, Step("Police", columns=CLEAR)),
        (False, Step("Police", value=1, columns=CLEAR)),
    ],
    "a members-only report of a public value": [
        (False, Step("Police", columns=CLEAR)),
        (True, Step(_HIDDEN_REPORTER, columns=GREEN)),
    ],
    "a hidden outcome": [OPEN, (True, Step(_HIDDEN_REPORTER, "blocked", columns=RED))],
}


@pytest.mark.long_but(
    "a hidden report before an open one",
    "an outcome for a guessed id",
    "a hidden outcome",
    "a members-only report of a public value",
)
@pytest.mark.parametrize("scene", SCENES)
def test_scene_is_invisible_outside_its_audience(ground: Ground, scene: str) -> None:
    assert_no_visible_difference(ground, SCENES[scene])


@pytest.mark.long
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_random_steps_are_invisible_outside_their_audience(ground: Ground, steps: list[tuple[bool, Step]]) -> None:
    assert_no_visible_difference(ground, steps)
