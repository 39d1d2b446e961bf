"""What the lineage explorer shows: from documents of the API to a drawing, or to a table of the same.

Nothing in here asks for anything: ``pages.lineage`` asks, and gives the documents to this package.
"""
