"""Pareto fronts: mathematics, choosing, export, sounds, models from elsewhere."""
