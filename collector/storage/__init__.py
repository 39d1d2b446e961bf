"""The database: tables, the event log, the projection, and where SQLite and PostgreSQL differ."""
