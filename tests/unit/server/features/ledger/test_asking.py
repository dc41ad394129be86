"""Of all processes of a hub, one asks the witnesses at a time."""

from server.features.ledger import cosigning
from server.release.hub import Hub


def test_second_process_does_not_ask_until_the_first_has_finished(hub: Hub) -> None:
    with cosigning.asking(hub.store) as first, cosigning.asking(hub.store) as second:
        assert (first, second) == (True, False)
    with cosigning.asking(hub.store) as again:
        assert again
