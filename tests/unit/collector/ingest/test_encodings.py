"""Content encodings: every one undone, every damage told, no bomb paid for."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from collector.ingest.encodings import undo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 1 << 20
MEGABYTE = bytes(1 << 20)


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "zstd": zstd.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("name", ENCODERS)
@given(data=st.binary(max_size=300_000))
def test_undoes(name: str, data: bytes) -> None:
    assert undo(ENCODERS[name](data), name, LIMIT) == data


def test_undoes_deflate_without_its_wrapping() -> None:
    assert undo(raw_deflate(b"[1, 2]"), "deflate", LIMIT) == b"[1, 2]"


def test_undoes_several_from_the_last_to_the_first() -> None:
    data = zstd.compress(gzip.compress(b"event"))
    assert undo(data, "gzip, identity , zstd", LIMIT) == b"event"


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_several_members_are_one_body(name: str) -> None:
    big = bytes(range(256)) * 1000
    data = ENCODERS[name](b"one, ") + ENCODERS[name](big) + ENCODERS[name](b"") + ENCODERS[name](b"three")
    assert undo(data + bytes(5), name, LIMIT) == b"one, " + big + b"three"


@pytest.mark.parametrize("name", ["gzip", "zstd", "deflate"])
def test_what_is_cut_short_or_damaged_is_a_bad_request(name: str) -> None:
    whole = ENCODERS[name](bytes(range(256)) * 100)
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:1], b"", b"{}" + whole, b"plain text"):
        with pytest.raises(BadRequest):
            undo(damaged, name, LIMIT)
    if name != "deflate":
        with pytest.raises(BadRequest):
            undo(whole + b"trailing", name, LIMIT)


@pytest.mark.parametrize("header", ["br", "compress", "gzip, br", "x", ", ".join(["gzip"] * 4)])
def test_other_encodings_are_not_supported(header: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        undo(b"", header, LIMIT)


@pytest.mark.parametrize("name", ["gzip", "zstd", "deflate", "identity"])
def test_the_limit_is_exact(name: str) -> None:
    assert len(undo(ENCODERS[name](bytes(LIMIT)), name, LIMIT)) == LIMIT
    with pytest.raises(PayloadTooLarge):
        undo(ENCODERS[name](bytes(LIMIT + 1)), name, LIMIT)


def bomb(name: str, megabytes: int) -> bytes:
    if name == "zstd":
        compressor = zstd.ZstdCompressor()
        return b"".join(compressor.compress(MEGABYTE) for _ in range(megabytes)) + compressor.flush()
    stream = zlib.compressobj(wbits=31 if name == "gzip" else 15)
    return b"".join(stream.compress(MEGABYTE) for _ in range(megabytes)) + stream.flush()


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_a_bomb_costs_no_more_than_the_limit(name: str) -> None:
    data = bomb(name, 200)
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLarge):
            undo(data, name, 4 * LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def test_a_frame_may_not_ask_for_more_memory_than_the_limit() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 30}
    compressor = zstd.ZstdCompressor(options=options)
    data = compressor.compress(b"x") + compressor.flush()
    with pytest.raises(BadRequest):
        undo(data, "zstd", LIMIT)
