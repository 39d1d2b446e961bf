"""What the README names exists, and what exists is named in it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import openlineage.client
import pytest
from click.testing import CliRunner

from collector.app import create_app
from collector.cli import COMMANDS, main
from collector.ingest.receive import PATHS
from collector.settings import OTHERS, PREFIX, Settings, settings_fields, table_markdown
from collector.wiring import services
from tests.docs.readme import README, ROOT, between, blocks

START = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/tidegate serve"
TEST = ".venv/bin/pip install '.[test]' && .venv/bin/pytest"

OF_INTEGRATIONS = {"OPENLINEAGE_NAMESPACE", "OPENLINEAGE_PARENT_ID"}
"""Read by the integrations around OpenLineage's Python client, not by the client itself."""

CALL = re.compile(r"(?<![\w./-])tidegate(?= (?:-|[a-z]))[^`\n|&;)]*")
"""A call of the command; the lookahead leaves out prose such as "Tidegate" and the bare name."""


def calls() -> Iterator[list[str]]:
    """Give the words of every call of the command in blocks and in code within prose."""
    shell = [block.text.replace("\\\n", " ") for block in blocks() if block.language == "sh"]
    prose = re.findall(r"`(tidegate [^`\n]+)`", README)
    for text in (*shell, *prose):
        for line in text.splitlines():
            if not line.lstrip().startswith("#"):
                yield from (shlex.split(call, comments=True)[1:] for call in CALL.findall(line))


def group_commands() -> Iterator[tuple[str, ...]]:
    """Give all commands, those of groups with their group."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (name,)


def help_of(*words: str) -> str:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0, f"there is no command tidegate {' '.join(words)}"
    return result.stdout


def named_paths() -> set[str]:
    found = re.findall(r"/(?:api/[\w./-]*|livez\b|readyz\b|metrics\b)", README)
    pages = re.findall(r"`(/[a-z]*)`", between("pages"))
    return {path.rstrip("./") for path in found} | set(pages) | {"/login", "/lineage.svg"}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    file = tmp_path_factory.mktemp("routes") / "tidegate.db"
    parts = services(Settings(database=f"sqlite:///{file}"))
    rules = {
        rule.rule
        for rule in create_app(parts).url_map.iter_rules()
        # Forms, and pages below pages, are where links lead; nobody has to know them.
        if rule.rule.startswith("/api/") or ("GET" in (rule.methods or ()) and rule.rule.count("/") == 1)
    }
    parts.close()
    return rules


def test_the_two_commands_are_there_as_they_must_be_typed() -> None:
    texts = [block.text.strip() for block in blocks()]
    assert START in texts
    assert TEST in texts


def test_the_table_of_settings_is_that_of_the_program() -> None:
    # To write it anew: python -c 'from collector.settings import table_markdown; print(table_markdown())'
    assert between("settings") == table_markdown()


def test_every_call_of_the_command_exists_with_its_options() -> None:
    known = set(group_commands())
    found = list(calls())
    assert len(found) > 20
    for words in found:
        plain = [word for word in words if not word.startswith("-")]
        if words[0].startswith("-"):
            assert words[0] in help_of()
            continue
        command = next((name for name in (tuple(plain[:2]), tuple(plain[:1])) if name in known), None)
        assert command, f"there is no command tidegate {' '.join(words)}"
        listed = help_of(*command)
        for option in (word for word in words if word.startswith("-") and word != "-"):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", listed), f"{command} has no {option}"


def test_every_command_is_named() -> None:
    named = {tuple(words[:length]) for words in calls() for length in (1, 2)}
    assert set(group_commands()) <= named


def test_every_variable_of_ours_exists() -> None:
    known = {f"{PREFIX}{item.name.upper()}" for item in settings_fields()} | OTHERS
    assert set(re.findall(rf"{PREFIX}\w+", README)) <= known


def test_every_setting_named_in_prose_exists() -> None:
    known = {item.name for item in settings_fields()}
    named = re.findall(r"`([a-z]+(?:_[a-z]+)+)(?:=\w+)?`\)|setting `([a-z_]+)", README)
    assert {name for pair in named for name in pair if name} <= known


def test_every_variable_of_the_client_is_read_by_it() -> None:
    sources = "".join(path.read_text() for path in Path(openlineage.client.__file__).parent.glob("*.py"))
    named = set(re.findall(r"(?<!__)\bOPENLINEAGE_[A-Z]\w*", README)) - OF_INTEGRATIONS
    assert {"OPENLINEAGE_URL", "OPENLINEAGE_API_KEY", "OPENLINEAGE_CONFIG"} <= named
    assert {name for name in named if name not in sources} == set()


def test_every_path_of_the_api_exists(routes: set[str]) -> None:
    # Names stand in the paths of Marquez's API; those in examples are asked for when the README is followed.
    fixed = {path for path in named_paths() if not path.startswith(("/api/v1/namespaces/", "/api/v1/jobs"))}
    assert fixed <= routes | PATHS


def test_every_path_of_the_api_is_named(routes: set[str]) -> None:
    hidden = {
        path for path in routes if path.endswith("/")
    }  # the same with a slash at the end, and the start page
    assert {path for path in routes - hidden if "<" not in path} <= named_paths()


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README)
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_every_link_within_the_readme_leads_somewhere() -> None:
    text = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {link for link in re.findall(r"\]\(#([^)]+)\)", README) if link not in anchors} == set()


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == version
