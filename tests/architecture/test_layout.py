"""The shape of the source tree: what lies where, how long it is, and what the pure packages may import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("collector", "lineage", "triggers")
TOP_LEVEL = {*PACKAGES, "tests", "fixtures", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}

LONGEST = 400
LONG: dict[str, str] = {}
"""Modules that may be longer, each with its reason."""

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base"}
"""Names that say nothing about what a module is for, and so collect everything."""

PURE = {
    "lineage": {"lineage", "networkx"},
    "triggers": {"triggers", "lineage", "networkx", "cronsim", "holidays"},
}
"""What the pure packages may import besides the standard library."""

OUTSIDE = {
    "asyncio", "concurrent", "fcntl", "glob", "http", "io", "logging", "mmap", "multiprocessing", "os",
    "pathlib", "platform", "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
}  # fmt: skip
"""Modules of the standard library that reach files, the network, other processes, the clock or chance."""

CLOCKS = {"now", "utcnow", "today", "uuid1", "uuid4"}
"""Calls that give another answer each time, in modules that are pure otherwise."""

MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|root)/")
"""A path of the machine on which somebody wrote the file; nobody else has it."""


def tracked_files() -> list[Path]:
    """List what belongs to the project: what git tracks, or in an unpacked archive everything."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        found = [path for name in TOP_LEVEL for path in (ROOT / name, *(ROOT / name).rglob("*"))]
        return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or ".").partition(".")[0]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    found = {relative(path).partition("/")[0] for path in tracked_files()}
    assert {name for name in found if not name.startswith(".")} <= TOP_LEVEL


def test_modules_are_short_enough_to_read_at_one_go() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in modules(*PACKAGES)}
    assert {name: length for name, length in lengths.items() if length > LONGEST and name not in LONG} == {}


def test_exceptions_for_long_modules_are_still_needed() -> None:
    for name, reason in LONG.items():
        assert reason
        assert len((ROOT / name).read_text().splitlines()) > LONGEST


def test_modules_are_named_for_what_they_hold() -> None:
    files = modules(*PACKAGES, "tests")
    assert [relative(path) for path in files if NAMELESS & {path.stem, path.parent.name}] == []


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_import_nothing_that_reaches_outside(package: str) -> None:
    allowed = (set(sys.stdlib_module_names) - OUTSIDE) | PURE[package]
    wrong = {
        (relative(path), name)
        for path in modules(package)
        for name in imports(ast.parse(path.read_text()))
        if name not in allowed
    }
    assert wrong == set()


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_ask_no_clock_and_open_no_file(package: str) -> None:
    wrong = []
    for path in modules(package):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            clock = isinstance(called, ast.Attribute) and called.attr in CLOCKS
            outside = isinstance(called, ast.Name) and called.id in {"open", "print", "input"}
            if clock or outside:
                wrong.append(f"{relative(path)}:{node.lineno}")
    assert wrong == []


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_say_so_in_their_folder(package: str) -> None:
    assert "may import" in (ROOT / package / "README.md").read_text().lower()


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    wrong = []
    for path in tracked_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        wrong += [f"{relative(path)}:{n}" for n, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]
    assert wrong == []
