"""The fake Talon.One: its HTTP surface, its control API and its Campaign Manager."""
