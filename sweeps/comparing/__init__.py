"""Fronts of several sweeps against each other."""
