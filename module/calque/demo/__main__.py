"""`python -m calque.demo`."""

from calque.demo.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
