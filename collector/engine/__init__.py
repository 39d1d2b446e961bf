"""The engine: watches what the projector changes, and the clock; decides what is late, and who is told."""
