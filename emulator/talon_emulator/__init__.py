"""The fake Talon.One: its HTTP surface, its control API and its Campaign Manager.

PYTEST_DONT_REWRITE: it comes with a pytest plugin, and may have been imported before pytest is.
"""
