"""Where these tests can run."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    # They look at processes as Linux shows them, and the program's own behaviour does not differ elsewhere.
    collect_ignore_glob = ["test_*.py"]
