"""What may vary: search spaces and their distributions."""
