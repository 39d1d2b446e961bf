"""Senders of somebody's own, from distributions that are really installed: folders on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.outbound.guard import Guard
from collector.outbound.http import Http
from collector.outbound.plugins import GROUP
from collector.outbound.senders import SENDERS, sender
from collector.outbound.sending import Context, Outcome, Result
from tests.exchanges import firing
from tests.integration.outbound.conftest import Office
from triggers.rules import Target

GUARD = Guard.of("")
CONTEXT = Context(GUARD, Http(GUARD, 1.0), 1.0)

Install = Callable[[str, str], str]
"""Installs a module with an entry point for it, and gives the kind of its targets."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(kind: str, code: str) -> str:
        # The kinds of all tests are different: what was loaded once stays.
        (tmp_path / f"plug_{kind}.py").write_text(code)
        info = tmp_path / f"plug_{kind}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plug-{kind}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{kind} = plug_{kind}:send\n")
        return kind

    yield put
    for name in set(sys.modules) - before:
        if name.startswith("plug_"):
            del sys.modules[name]


def send(kind: str) -> Outcome:
    found = sender(kind)
    assert found is not None
    return found(Target("it", kind, {"place": "here"}), firing({"text": "go"}), CONTEXT)


HEAD = "from collector.outbound.sending import Outcome, Result\n"


def test_a_kind_of_targets_may_be_installed(install: Install) -> None:
    code = """
loads = []
loads.append(1)

def send(target, parcel, context):
    answer = {"run_id": f"{target.options['place']}-{parcel.body['action']['text']}-{len(loads)}"}
    return Outcome(Result.DELIVERED, answer=answer)
"""
    kind = install("works", HEAD + code)
    assert "plug_works" not in sys.modules
    for _ in range(2):
        assert send(kind) == Outcome(Result.DELIVERED, answer={"run_id": "here-go-1"})


def test_an_object_may_be_installed_as_well(install: Install) -> None:
    code = """
class Sender:
    def __call__(self, target, parcel, context):
        return Outcome(Result.REFUSED, 400, "no")

send = Sender()
"""
    assert send(install("object", HEAD + code)) == Outcome(Result.REFUSED, 400, "no")


def test_nobody_replaces_what_is_built_in(install: Install) -> None:
    install("webhook", "raise RuntimeError")
    assert sender("webhook") is SENDERS["webhook"]


def test_an_unknown_kind_has_no_sender() -> None:
    assert sender("carrier_pigeon") is None


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("raises", "raise RuntimeError('no database')", "RuntimeError: no database"),
        ("exits", "import sys; sys.exit(3)", "SystemExit: 3"),
        ("lacks", "x = 1", "AttributeError"),
        ("text", "send = 'text'", "cannot be called"),
        ("syntax", "def", "SyntaxError"),
    ],
)
def test_one_that_cannot_be_loaded_may_be_mended(install: Install, kind: str, code: str, said: str) -> None:
    outcome = send(install(kind, code))
    assert outcome.result is Result.RETRY
    assert said in (outcome.error or "")
    assert f"plugin for {kind}" in (outcome.error or "")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("none", "return None"),
        ("word", "return 'delivered'"),
        ("odd", "return Outcome('sent')"),
        ("secret", "return Outcome(Result.DELIVERED, answer={'x': object()})"),
        ("list", "return Outcome(Result.DELIVERED, answer=3)"),
        ("ends", "raise SystemExit(1)"),
    ],
)
def test_one_that_gives_no_outcome_leaves_it_unknown(install: Install, kind: str, body: str) -> None:
    outcome = send(install(kind, f"{HEAD}def send(target, parcel, context):\n    {body}\n"))
    assert outcome.result is Result.UNKNOWN
    assert f"plugin for {kind}" in (outcome.error or "")


def test_the_dispatcher_survives_whatever_is_installed(office: Office, install: Install) -> None:
    install("tears", "raise SystemExit(1)")
    install("lies", "def send(target, parcel, context):\n    return object()\n")
    install("dies", "def send(target, parcel, context):\n    raise KeyboardInterrupt\n")
    install("keeps", f"{HEAD}def send(target, parcel, context):\n    return Outcome(Result.DELIVERED)\n")
    for kind in ("tears", "lies", "dies", "keeps"):
        office.target(kind, kind)
        office.put(kind, kind)
    assert office.step() == 4
    assert office.states("tears", "lies", "dies", "keeps") == ["pending"] * 3 + ["delivered"]
