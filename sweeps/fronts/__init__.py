"""Pareto fronts as data: choosing, export, what is heard and drawn beside them."""
