"""What the Marquez-compatible API reads from the tables, and writes of what people say."""
