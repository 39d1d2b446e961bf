"""The web UI: pages that the server renders, each drawn from the document of its twin in the native API."""
