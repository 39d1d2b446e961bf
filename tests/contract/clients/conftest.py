"""The server that real clients talk to."""

from __future__ import annotations

from tests.acceptance.shared import connection, shared_server

__all__ = ["connection", "shared_server"]
