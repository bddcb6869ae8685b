"""The static check: whether a config, its audiences, recorded events and a tracking plan fit together."""
