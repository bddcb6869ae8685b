"""The doors by which events come in: Segment's tracking API, its partner contract, its webhooks."""
