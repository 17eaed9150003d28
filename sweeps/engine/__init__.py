"""Runs trials: what is decided (`deciding`), what Ray does of it (`on_ray`), and who drives (`driving`)."""
