"""After each time through: the server holds no more than after the first, which filled what it keeps for later."""

from tests.conformance.deployment import Deployment
from tests.robustness.memory import memory
from tests.robustness.tally import Pass, Tally

MAY_GROW = 30 * 1024 * 1024


def test_memory_stays_flat(server: Deployment, turn: Pass, tally: Tally) -> None:
    held = tally.memory[turn.database]
    held.append(memory(server))
    assert held[-1] - held[0] < MAY_GROW


def test_the_server_is_the_one_that_was_started(server: Deployment) -> None:
    assert server.log.read_text().count("Booting worker") == 1
