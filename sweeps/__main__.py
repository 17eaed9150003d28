"""`python -m sweeps` is `dfkd`."""

from sweeps.cli import main

if __name__ == "__main__":
    main()
