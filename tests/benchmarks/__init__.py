"""Measurements: run by hand, not collected by pytest."""
