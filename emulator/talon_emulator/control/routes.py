"""The control API's part of the route table."""

from typing import Final

from talon_emulator.calls import Operation
from talon_emulator.control import clocks, deployments, exchanges, faults, health, limits, state

CONTROL: Final = (
    Operation("emulator.health", "GET", "/_emulator/health", "none", health.health),
    Operation("emulator.ready", "GET", "/_emulator/ready", "none", health.ready),
    Operation("emulator.reset", "POST", "/_emulator/reset", "none", state.reset),
    Operation("emulator.seed", "POST", "/_emulator/seed", "none", state.seed_deployment),
    Operation("emulator.journal", "GET", "/_emulator/journal", "none", exchanges.show_journal),
    Operation("emulator.journal.follow", "GET", "/_emulator/journal/follow", "none", exchanges.follow_journal),
    Operation("emulator.deployments", "GET", "/_emulator/deployments", "none", deployments.list_deployments),
    Operation("emulator.create", "POST", "/_emulator/deployments", "none", deployments.create_deployment),
    Operation(
        "emulator.delete", "DELETE", "/_emulator/deployments/{deployment}", "none", deployments.delete_deployment
    ),
    Operation("emulator.clock", "GET", "/_emulator/clock", "none", clocks.show_clock),
    Operation("emulator.clock.freeze", "POST", "/_emulator/clock/freeze", "none", clocks.freeze),
    Operation("emulator.clock.set", "POST", "/_emulator/clock/set", "none", clocks.set_clock),
    Operation("emulator.clock.advance", "POST", "/_emulator/clock/advance", "none", clocks.advance),
    Operation("emulator.clock.real", "POST", "/_emulator/clock/real", "none", clocks.real),
    Operation("emulator.faults", "GET", "/_emulator/faults", "none", faults.list_faults),
    Operation("emulator.faults.create", "POST", "/_emulator/faults", "none", faults.create_fault),
    Operation("emulator.faults.clear", "DELETE", "/_emulator/faults", "none", faults.delete_faults),
    Operation("emulator.faults.delete", "DELETE", "/_emulator/faults/{fault}", "none", faults.delete_fault),
    Operation("emulator.limits", "GET", "/_emulator/limits", "none", limits.show_limits),
    Operation("emulator.limits.set", "POST", "/_emulator/limits", "none", limits.set_limits),
    Operation("emulator.metrics", "GET", "/metrics", "none", health.show_metrics),
)
