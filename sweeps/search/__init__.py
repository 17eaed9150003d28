"""What is tried next, and what is stopped early."""
