"""What drives a sweep: checks, preparation, one process at work, recovery."""
