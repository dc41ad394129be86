"""Work on the workers of a Dask cluster, which may be processes of this machine."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

_PATIENCE = "20s"
_R = TypeVar("_R")


class NoCluster(Exception):
    """No cluster can be reached; the message says what to do."""


def on_workers(items: Sequence[object], address: str, work: Callable[..., _R], *arguments: object) -> Iterator[_R]:
    """Call ``work`` with each item and the arguments on some worker, and yield each result when it is there.

    ``address`` is that of a Dask scheduler (``tcp://host:8786``), or ``local:N`` for N processes of this machine.
    Raises ``NoCluster``.
    """
    try:
        from dask.distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise NoCluster("Dask is not installed: pip install 'scamfeed[cluster]'") from error
    # Workers that come and go are logged by the cluster itself.
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with ExitStack() as stack:
        try:
            where = address
            if address.startswith("local:"):
                number = int(address.removeprefix("local:"))
                local: Any = LocalCluster(  # type: ignore[no-untyped-call]  # Dask types it halfway
                    n_workers=number, threads_per_worker=1, dashboard_address=None
                )
                where = stack.enter_context(local)
            made: Any = Client(where, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
            client = stack.enter_context(made)
        except (OSError, ValueError) as error:
            raise NoCluster(f"{address}: no cluster answers there; name tcp://HOST:PORT or local:N") from error
        results = [client.submit(work, item, *arguments, pure=False) for item in items]
        for done in as_completed(results, loop=client.loop):  # type: ignore[no-untyped-call]  # Dask types it halfway
            yield done.result()
