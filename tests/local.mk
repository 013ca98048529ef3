EXTRA_DIST += tests/run tests/lib tests/e2e quickstart
