"""Drawings as geometry: pure. What is to be drawn comes in, where everything lies goes out, in px from the top left.

No Flask, no database, no clock in here; igraph in ``ordering`` alone. Templates write the SVG.
"""
