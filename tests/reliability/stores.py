"""The kinds of outbox that outlive a process."""

import os

KINDS = [kind for kind in os.environ.get("LOCALTALON_STORES", "file postgresql").split() if kind != "memory"]
