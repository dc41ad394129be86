"""The bodies that a worker holds at once have a limit."""

from server.wire import shared
from server.wire.shared import Connections

MIB = 1024 * 1024


def test_bodies_have_room_up_to_the_limit_and_the_only_one_always() -> None:
    connections = Connections(None, None, "")  # type: ignore[arg-type]
    assert connections.has_room(100 * MIB)
    connections.held = 200 * MIB
    assert connections.has_room(50 * MIB)
    assert not connections.has_room(100 * MIB)
    connections.held = shared._HELD_AT_MOST + MIB
    assert not connections.has_room(0, own=MIB)
    assert connections.has_room(0, own=connections.held)
