"""The rules of the shop and the names that are one dataset, with the times and addresses of a story."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from collector.api.rule_documents import read_rules
from collector.demo import tables
from collector.demo.emitters.prefect import DATABASE
from collector.demo.stack import PREFECT, SHOP_PG
from collector.demo.story import Story
from triggers.documents import Row

ALIASES: Final[tuple[dict[str, Any], ...]] = (
    {
        "prefix": {
            "namespace": f"dlt.destinations.postgres://{SHOP_PG.fingerprint}",
            "to_namespace": tables.WAREHOUSE,
            "to_name": "shop.",
        },
        "reason": "dlt names a database by a hash of its host",
    },
    {
        "prefix": {"namespace": DATABASE, "to_namespace": tables.WAREHOUSE, "to_name": "shop.raw."},
        "reason": "Prefect takes the address of the database for the namespace",
    },
)
"""What somebody has accepted; what the ads are called is left for whoever looks at the suggestions."""


def rules(story: Story, receiver: str) -> list[Row]:
    """Give the rules; ``receiver`` is the address that notifications go to."""
    text = resources.files("collector.demo").joinpath("rules.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
        file = Path(folder, "rules.yaml")
        file.write_text(Template(text).substitute(_Values(story, receiver)), encoding="utf-8")
        return read_rules([file])


class _Values(Mapping[str, str]):
    """Gives what stands in the file: names of places, and ``before_25``, ``after_40``."""

    def __init__(self, story: Story, receiver: str) -> None:
        self._story = story
        self._known = {
            "zone": str(story.zone),
            "receiver": receiver,
            "warehouse": tables.WAREHOUSE,
            "exports": tables.EXPORTS,
            "lake": tables.LAKE,
            "database": DATABASE,
            "prefect": PREFECT,
        }

    def __getitem__(self, name: str) -> str:
        word, _, minutes = name.partition("_")
        if word in ("before", "after"):
            return self._story.clock(int(minutes) if word == "before" else -int(minutes))
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
