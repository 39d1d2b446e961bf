"""A made-up company whose tools send events as real ones do, for people who want to see all pages at work."""
