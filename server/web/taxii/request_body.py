"""The body of a request, decompressed: a short one in memory, a long one in a file."""

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from schemas.whole_numbers import whole_number
from server.web.taxii.envelope import SHORT
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import MAX_CONTENT_LENGTH

_WINDOW = 256 * 1024
_GZIP_WINDOW = 31
# RFC 9659: the window of a zstd body is at most eight MiB.
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class Stream(Protocol):
    """The stream that a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, or no bytes at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@contextmanager
def received(environ: dict[str, Any], most: int = MAX_CONTENT_LENGTH) -> Iterator[tuple[IO[bytes], int]]:
    """Yield the body of a request, decompressed, and its length, at most ``most`` bytes.

    Raises ``TaxiiError`` 413 if the body is, or becomes, too long; 415 or 400.
    """
    length = announced(environ)
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    stream: Stream = environ["wsgi.input"]
    if length < 0 and not environ.get("wsgi.input_terminated"):
        length = 0
    with cast(IO[bytes], SpooledTemporaryFile(max_size=SHORT)) as body:
        came = 0
        for piece in decompressed(_pieces(stream, length), encoding):
            came += len(piece)
            if came > most:
                raise TaxiiError("body-too-large")
            body.write(piece)
        body.seek(0)
        yield body, came


def announced(environ: dict[str, Any]) -> int:
    """Return the announced length of the body, or -1."""
    length = whole_number(environ.get("CONTENT_LENGTH") or "", sys.maxsize)
    return -1 if length is None else length


def decompressed(pieces: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """Decompress a body piece by piece. Raises ``TaxiiError`` 400, or 415 for an unknown compression."""
    named = (encoding or "identity").strip().lower()
    if named == "identity":
        yield from pieces
        return
    if named in ("gzip", "x-gzip"):
        decompressor = cast(_Decompressor, zlib.decompressobj(_GZIP_WINDOW))
    elif named == "zstd":
        decompressor = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
    else:
        raise TaxiiError("unknown-compression", (("Accept-Encoding", "gzip, zstd"),))
    try:
        for piece in pieces:
            if decompressor.eof:
                raise TaxiiError("broken-compression", encoding=named)
            yield from _parts(decompressor, piece)
    except (zlib.error, zstd.ZstdError) as error:
        raise TaxiiError("wrong-compression", encoding=named) from error
    if not decompressor.eof or decompressor.unused_data:
        raise TaxiiError("broken-compression", encoding=named)


def _parts(decompressor: _Decompressor, piece: bytes) -> Iterator[bytes]:
    """Decompress a piece in bounded parts, even if it expands strongly."""
    while True:
        part = decompressor.decompress(piece, _WINDOW)
        if part:
            yield part
        # zlib returns its unread input; zstd keeps it.
        piece = getattr(decompressor, "unconsumed_tail", b"")
        if decompressor.eof or (not piece and len(part) < _WINDOW):
            return


def _pieces(stream: Stream, length: int) -> Iterator[bytes]:
    """Read a body of that length, or to its end if no length was announced."""
    left = length if length >= 0 else MAX_CONTENT_LENGTH + 1
    while left and (piece := stream.read(min(left, _WINDOW))):
        left -= len(piece)
        yield piece
    if left and length >= 0:
        raise TaxiiError("truncated-body")
