"""Counts of what Engage did since the process was started, for the metrics."""

from collections import Counter

from talon_bridge.engage.syncs import RUNNING, Counts, Live, Sync, SyncState


class Tally:
    """Counters that only go up; every process counts for itself.

    `rows` by what became of them (`read`, and of these `refused`), `users` by what was decided of them (`entered`,
    `left`, `changed`), by syncs and live, and `syncs` by how they ended (`decided`, `refused` or `failed`).
    """

    def __init__(self) -> None:
        self.rows = Counter(read=0, refused=0)
        self.users = Counter(entered=0, left=0, changed=0)
        self.syncs = Counter(decided=0, refused=0, failed=0)

    def take(self, sync: Sync) -> None:
        """Count a sync that was decided, or has ended without."""
        self.rows.update(read=sync.counts.read, refused=sync.counts.refused)
        decided = sync.state in RUNNING or sync.state is SyncState.FINISHED
        self.syncs["decided" if decided else sync.state.value] += 1
        if decided:
            self.live(sync.counts)

    def live(self, done: Counts | Live) -> None:
        """Count the users whose membership was changed."""
        self.users.update(entered=done.entered, left=done.left, changed=done.changed)
