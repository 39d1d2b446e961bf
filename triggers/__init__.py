"""Rules about freshness and what they start: pure functions and values; time is an argument."""
