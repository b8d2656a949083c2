"""`python -m calque`: see calque/cli."""

from calque.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
