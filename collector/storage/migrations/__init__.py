"""The migrations: one portable chain for both dialects, run by ``collector.storage.migrate``."""
