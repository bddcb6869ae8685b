"""The bridge's own API under `/_bridge/`, and the metrics: what came in, what became of it, what to do again."""
