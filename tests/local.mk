EXTRA_DIST += tests/run tests/lib tests/e2e quickstart README.md CONTRIBUTING.md LICENSE docs/architecture.md
