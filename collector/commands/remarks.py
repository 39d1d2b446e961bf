"""What a tree says of nodes and edges besides their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CONTROL: Final = "runs before, no data"


def of_node(node: Mapping[str, Any]) -> str:
    """Give the type of a column; the job, state and start of a run."""
    if node.get("type") == "run":
        started = node["started_at"]
        words = (f"{node['namespace']}:{node['name']}", node["state"], started and f"{started[:19]}Z")
        return " ".join(word for word in words if word)
    return node.get("data_type") or ("all columns" if "field" in node and node["field"] is None else "")


def of_edge(edge: Mapping[str, Any]) -> str:
    """Give what is done to a column, or the datasets through which one run depends on another."""
    if edge["kind"] == "control":
        return CONTROL
    if "datasets" in edge:
        return ", ".join(dataset.rpartition(":")[2] for dataset in edge["datasets"])
    words = [_words(each) for each in edge.get("transformations", ())]
    # Who says nothing of the transformations may still say that the whole output depends on the column.
    if edge.get("indirect") and not any(word.startswith("indirect") for word in words):
        words.insert(0, "indirect")
    if edge.get("masking"):
        words.append("masked")
    return ", ".join(word for word in words if word)


def _words(transformation: Mapping[str, Any]) -> str:
    """Write ``INDIRECT FILTER`` as ``indirect filter``; DIRECT, the rule, goes without saying."""
    kinds = [transformation["type"], transformation["subtype"]]
    named = " ".join(kind.lower() for kind in kinds if kind and kind not in ("DIRECT", "MASKED"))
    description = transformation["description"]
    return f"{named}: {description}" if named and description else named or description or ""
