"""What operators see first: the system in pictures, redrawn while it runs."""
