"""What real tools sent: the captured requests of ``fixtures/events``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage.instants import parse_instant

FIXTURES = Path(__file__).parents[1] / "fixtures"


def captured(*patterns: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Give (event, received at in µs UTC) of the files that match ``TOOL/NAME`` patterns, in order; of none, of all."""
    for pattern in patterns or ("*/*",):
        found = sorted((FIXTURES / "events").glob(f"{pattern}.jsonl"))
        assert found, pattern
        for path in found:
            for line in path.read_text().splitlines():
                request = json.loads(line)
                body = request["body"]
                for event in body if isinstance(body, list) else [body]:
                    yield event, parse_instant(request["received_at"])[0]
