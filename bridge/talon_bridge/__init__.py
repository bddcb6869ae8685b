"""The Segment destination: takes Segment calls in, brings Talon.One customer profiles up to date.

PYTEST_DONT_REWRITE: it comes with a pytest plugin, and may have been imported before pytest is.
"""
