"""The meaning of lineage events: pure functions and values, without I/O and without a clock."""
