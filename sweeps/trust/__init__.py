"""What fresh seeds show of a front."""
