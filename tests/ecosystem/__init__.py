"""The test suites of real programs, with and without `calque.patch`. Run by `make ecosystem`; see `__main__.py`."""
