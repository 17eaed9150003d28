"""A benchmark of searches: learning curves in closed form or from a table, asynchronous workers on a simulated clock."""
