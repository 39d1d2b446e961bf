"""Suggestions which names are one dataset, from the names and what is known of them."""

from __future__ import annotations

from lineage.stitch.contexts import Candidate, promising
from lineage.stitch.evidence import Evidence, Facts, Kind
from lineage.stitch.suggest import Suggestion, suggest

__all__ = ["Candidate", "Evidence", "Facts", "Kind", "Suggestion", "promising", "suggest"]
