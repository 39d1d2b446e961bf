"""Packing: what goes in comes out, from any thread, and damage is told."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.storage import compression
from collector.storage.compression import DamagedBody, pack, unpack
from tests.benchmarks.stack import events

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@given(st.binary(max_size=2000))
def test_gives_back_what_was_packed(body: bytes) -> None:
    assert unpack(pack(body)) == body


def test_threads_do_not_mix_their_bodies() -> None:
    bodies = list(events(200))
    with ThreadPoolExecutor(8) as pool:
        assert [unpack(packed) for packed in pool.map(pack, bodies)] == bodies


def test_the_dictionary_is_worth_it() -> None:
    bodies = list(events(200))
    assert sum(len(pack(body)) for body in bodies) < 0.2 * sum(map(len, bodies))


@pytest.mark.parametrize(
    "packed",
    [b"", b"{}", b"\x28\xb5\x2f\xfd" + b"\xff" * 20, pack(b"x" * 100)[:-1], pack(b"x" * 100) + b"y"],
    ids=["empty", "not zstd", "bad header", "cut", "longer"],
)
def test_damage_is_told(packed: bytes) -> None:
    with pytest.raises(DamagedBody):
        unpack(packed)


def test_a_frame_longer_than_any_body_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(b"x" * 1000)
    monkeypatch.setattr(compression, "LARGEST", 999)
    with pytest.raises(DamagedBody, match="cut off"):
        unpack(packed)


def test_a_frame_of_an_unknown_dictionary_names_it() -> None:
    other = zstd.train_dict(
        [json.dumps({"n": n, "text": "word " * (n % 7)}).encode() for n in range(500)], 1024
    )
    with pytest.raises(DamagedBody, match=str(other.dict_id)):
        unpack(zstd.compress(b"word word", zstd_dict=other))


def test_what_was_packed_without_dictionary_is_readable() -> None:
    assert unpack(zstd.compress(b"plain")) == b"plain"


def test_training_is_repeatable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "events.jsonl"
    captured = [json.dumps({"headers": {}, "body": [json.loads(event)]}) for event in events(20)]
    source.write_text("\n".join([*captured, *(event.decode() for event in events(200, seed=2))]))
    outputs = [tmp_path / "a.zdict", tmp_path / "b.zdict"]
    for output in outputs:
        compression.main([str(source), "-o", str(output), "--size", "4096"])
    first, second = (output.read_bytes() for output in outputs)
    assert first == second
    assert zstd.ZstdDict(first).dict_id
    assert "trained on 220 events" in capsys.readouterr().out
