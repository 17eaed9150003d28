"""The commands of `dfkd`, a group a file; each is one call into the library."""
