"""What must hold between Segment and Talon.One, as schemas, examples, an oracle and properties.

PYTEST_DONT_REWRITE: it comes with a pytest plugin, and may have been imported before pytest is.
"""
