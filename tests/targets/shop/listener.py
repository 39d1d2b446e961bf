"""What tells OpenLineage of all that Prefect runs, in the environment of Prefect."""

from __future__ import annotations

import asyncio
from typing import Any

from openlineage_prefect.prefect_adapter.listener import PrefectOpenLineageListener


class Listener(PrefectOpenLineageListener):
    """Says when it listens."""

    async def get_prefect_version(self) -> Any:
        """Ask for what is asked for first, once the listener is connected."""
        version = await super().get_prefect_version()
        print("listening", flush=True)  # noqa: T201  # whoever started it waits for this
        return version


asyncio.run(Listener().collect_and_process_runs())
