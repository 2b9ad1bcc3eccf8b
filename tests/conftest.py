"""The fixtures of forum.testing, and the seeded site of the house-wide tests, for every test."""

pytest_plugins = ["forum.testing", "tests.personas"]
