"""The way in: from the bytes of a request to a durable event, and from the log to the projection."""
