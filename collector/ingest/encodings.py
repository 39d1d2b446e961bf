"""Undoing ``Content-Encoding``, with a limit that holds while decompressing: a bomb costs what the limit
allows.
"""

from __future__ import annotations

import sys
import zlib
from typing import Protocol

from collector.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

READ = 1 << 16
"""Compressed bytes fed at once. What a decompressor has not taken is copied at every step, so not the whole
body.
"""

WRITE = 1 << 20
"""Decompressed bytes taken at once: what a bomb can get beyond the limit."""

MOST_ENCODINGS = 3
SMALLEST_WINDOW, LARGEST_WINDOW = 23, 31  # as powers of two; RFC 9659 allows 8 MB on the way, the format 2 GB

ACCEPTED = "gzip, zstd, deflate, identity"


class _Stream(Protocol):
    """One compressed member: zlib's and zstd's decompressors under one face."""

    @property
    def eof(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...
    def feed(self, data: bytes) -> bytes: ...


def undo(data: bytes, header: str, limit: int) -> bytes:
    """Decompress a body sent with ``Content-Encoding: header``; several are undone from the last to the
    first.

    Raises ``PayloadTooLarge`` as soon as more than ``limit`` bytes come out, ``BadRequest`` for data that is
    damaged or cut short, and ``UnsupportedMediaType`` for an encoding that is not among ``ACCEPTED``.
    """
    names = [name for part in header.lower().split(",") if (name := part.strip()) not in ("", "identity")]
    if len(names) > MOST_ENCODINGS:
        raise UnsupportedMediaType("The body is encoded too many times.")
    for name in reversed(names):
        data = _undo(data, name, limit)
    if len(data) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
    return data


def _undo(data: bytes, name: str, limit: int) -> bytes:
    blocks: list[bytes] = []
    size = 0
    position = 0
    stream = _open(name, data, limit)
    try:
        while True:
            block = stream.feed(data[position : position + READ])
            position += READ
            while block:
                size += len(block)
                if size > limit:
                    raise PayloadTooLarge(f"The body is larger than {limit} bytes after decompression.")
                blocks.append(block)
                block = stream.feed(b"")
            if stream.eof:
                # Several members one after the other are one body; zeros after the last are padding.
                rest = stream.rest + data[position:]
                if not rest.strip(b"\0"):
                    break
                data, position = rest, 0
                stream = _open(name, data, limit)
            elif position >= len(data):
                raise BadRequest(f"The body ends before its {name} data does.")
    except (zlib.error, zstd.ZstdError) as error:
        raise BadRequest(f"The body is not valid {name} data.") from error
    return b"".join(blocks)


def _open(name: str, data: bytes, limit: int) -> _Stream:
    if name in ("gzip", "x-gzip"):
        return _Zlib(16 + zlib.MAX_WBITS)
    if name == "deflate":
        # The standard means zlib's format, but some send the raw stream; two bytes of header tell.
        wrapped = len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return _Zlib(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    if name == "zstd":
        return _Zstd(min(max((limit - 1).bit_length(), SMALLEST_WINDOW), LARGEST_WINDOW))
    raise UnsupportedMediaType(f"Content-Encoding {name!r} is not supported: use {ACCEPTED}.")


class _Zlib:
    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def rest(self) -> bytes:
        return self._stream.unused_data

    def feed(self, data: bytes) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, WRITE)


class _Zstd:
    def __init__(self, window: int) -> None:
        # The window is memory that a frame may ask for before it gives a single byte.
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: window}
        self._stream = zstd.ZstdDecompressor(options=options)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def rest(self) -> bytes:
        return self._stream.unused_data

    def feed(self, data: bytes) -> bytes:
        if self._stream.eof or not (data or not self._stream.needs_input):
            return b""
        return self._stream.decompress(data, WRITE)
