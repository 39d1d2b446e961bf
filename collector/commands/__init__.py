"""The commands of ``tidegate``, a module each; ``collector.cli`` imports only the one that is called."""
