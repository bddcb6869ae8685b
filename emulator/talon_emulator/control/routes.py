"""The control API's part of the route table."""

from typing import Final

from talon_emulator.calls import Operation
from talon_emulator.control import health, state
from talon_emulator.later import Later

clocks = Later("talon_emulator.control.clocks")
contents = Later("talon_emulator.control.contents")
deployments = Later("talon_emulator.control.deployments")
exchanges = Later("talon_emulator.control.exchanges")
faults = Later("talon_emulator.control.faults")
keys = Later("talon_emulator.control.keys")
limits = Later("talon_emulator.control.limits")

CONTROL: Final = (
    Operation("emulator.health", "GET", "/_emulator/health", "none", health.health),
    Operation("emulator.ready", "GET", "/_emulator/ready", "none", health.ready),
    Operation("emulator.reset", "POST", "/_emulator/reset", "control", state.reset),
    Operation("emulator.seed", "POST", "/_emulator/seed", "control", state.seed_deployment),
    Operation("emulator.keys", "GET", "/_emulator/keys", "control", keys.list_keys),
    Operation("emulator.keys.create", "POST", "/_emulator/keys", "control", keys.create_key),
    Operation("emulator.keys.delete", "DELETE", "/_emulator/keys/{key}", "control", keys.delete_key),
    Operation("emulator.snapshots", "GET", "/_emulator/snapshots", "control", contents.list_snapshots),
    Operation("emulator.snapshot", "POST", "/_emulator/snapshot", "control", contents.save_snapshot),
    Operation("emulator.restore", "POST", "/_emulator/restore", "control", contents.restore_snapshot),
    Operation("emulator.forget", "DELETE", "/_emulator/snapshots/{snapshot}", "control", contents.delete_snapshot),
    Operation("emulator.export", "GET", "/_emulator/export", "control", contents.export),
    Operation("emulator.import", "POST", "/_emulator/import", "control", contents.import_document),
    Operation("emulator.journal", "GET", "/_emulator/journal", "control", exchanges.show_journal),
    Operation("emulator.journal.follow", "GET", "/_emulator/journal/follow", "control", exchanges.follow_journal),
    Operation("emulator.deployments", "GET", "/_emulator/deployments", "control", deployments.list_deployments),
    Operation("emulator.create", "POST", "/_emulator/deployments", "control", deployments.create_deployment),
    Operation(
        "emulator.delete", "DELETE", "/_emulator/deployments/{deployment}", "control", deployments.delete_deployment
    ),
    Operation("emulator.clock", "GET", "/_emulator/clock", "control", clocks.show_clock),
    Operation("emulator.clock.freeze", "POST", "/_emulator/clock/freeze", "control", clocks.freeze),
    Operation("emulator.clock.set", "POST", "/_emulator/clock/set", "control", clocks.set_clock),
    Operation("emulator.clock.advance", "POST", "/_emulator/clock/advance", "control", clocks.advance),
    Operation("emulator.clock.real", "POST", "/_emulator/clock/real", "control", clocks.real),
    Operation("emulator.faults", "GET", "/_emulator/faults", "control", faults.list_faults),
    Operation("emulator.faults.create", "POST", "/_emulator/faults", "control", faults.create_fault),
    Operation("emulator.faults.clear", "DELETE", "/_emulator/faults", "control", faults.delete_faults),
    Operation("emulator.faults.delete", "DELETE", "/_emulator/faults/{fault}", "control", faults.delete_fault),
    Operation("emulator.limits", "GET", "/_emulator/limits", "control", limits.show_limits),
    Operation("emulator.limits.set", "POST", "/_emulator/limits", "control", limits.set_limits),
    Operation("emulator.metrics", "GET", "/metrics", "control", health.show_metrics),
)
