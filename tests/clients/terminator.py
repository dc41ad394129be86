"""A TLS-terminating proxy like one in front of the server: it forwards the bytes in clear."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

from tests.conformance.authority import Pem


@contextlib.contextmanager
def terminate(pem: Pem, behind: tuple[str, int], listening: socket.socket) -> Iterator[None]:
    """End TLS on ``listening``, and forward the bytes to ``behind`` until the test ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem.certificate, pem.key)

    def accept() -> None:
        while True:
            try:
                arrived, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_relay, args=(context, arrived, behind), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield
    finally:
        # Closing alone would leave the other thread in its accept.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(60)


def _relay(context: ssl.SSLContext, arrived: socket.socket, behind: tuple[str, int]) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(arrived, server_side=True) as outside,
        socket.create_connection(behind) as inside,
    ):
        back = threading.Thread(target=_pump, args=(inside, outside), daemon=True)
        back.start()
        _pump(outside, inside)
        back.join(60)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while said := source.recv(65536):
            sink.sendall(said)
        sink.shutdown(socket.SHUT_WR)
