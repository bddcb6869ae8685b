"""Engage on this machine: audiences and computed traits, from a list of users to the identifies that Segment sends."""
