"""A benchmark of searches: curves in closed form or from a table, asynchronous workers on a simulated clock."""
