"""The native HTTP interface."""
