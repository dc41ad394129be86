"""After each pass, the server uses no more memory than after the first one has filled its caches."""

from tests.conformance.deployment import Deployment
from tests.robustness.memory import memory
from tests.robustness.tally import Pass, Tally

MAY_GROW = 30 * 1024 * 1024


def test_memory_stays_flat(server: Deployment, turn: Pass, tally: Tally) -> None:
    held = tally.memory[turn.database]
    held.append(memory(server))
    assert held[-1] - held[0] < MAY_GROW


def test_server_process_was_not_replaced(server: Deployment) -> None:
    assert server.log.read_text().count("Booting worker") == 1
