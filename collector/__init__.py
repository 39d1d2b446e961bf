"""The collector: takes events in, keeps them, and answers questions about them."""
