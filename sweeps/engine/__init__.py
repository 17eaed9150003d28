"""Runs trials: what comes next, what becomes of each, on Ray."""
