"""Questions to the graph, each answered by what is stored and what ``lineage`` makes of it."""
