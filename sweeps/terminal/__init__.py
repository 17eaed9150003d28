"""What is read on a terminal."""
