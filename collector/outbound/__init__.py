"""The way out: what is to be sent, and how it gets there."""
