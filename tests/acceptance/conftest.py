"""What the tests of the running program share."""

from __future__ import annotations

import sys

from tests.acceptance.shared import connection, shared_server

__all__ = ["connection", "shared_server"]

if sys.platform != "linux":
    # They look at processes as Linux shows them, and the program's own behaviour does not differ elsewhere.
    collect_ignore_glob = ["test_*.py"]
