"""Module sessions and long-term memory."""
