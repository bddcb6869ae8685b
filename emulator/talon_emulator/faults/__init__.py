"""Faults: what can go wrong between a client and Talon.One, made to go wrong on purpose.

To add one: a class in `kinds` with its `tag` and its `strike`, and its name in `KINDS`. The control API, the journal
and the choice of requests need no change.
"""
