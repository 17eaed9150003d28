"""What is Ray's: the Tune run, its searcher and scheduler, the worker."""
