"""What every room stands on: schema, YAML, atomic files, the cache, this machine."""
