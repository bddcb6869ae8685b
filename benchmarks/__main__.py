"""Run the benchmarks and print the table: `python -m benchmarks [PART...]`, by default every part."""

import sys

from benchmarks import bridge, cold_start, contracts, emulator, engage, plugin, throughput

PARTS = {
    "cold_start": cold_start.measure,
    "throughput": throughput.measure,
    "bridge": bridge.measure,
    "emulator": emulator.measure,
    "contracts": contracts.measure,
    "plugin": plugin.measure,
    "engage": engage.measure,
}


def main() -> None:
    """One line a measurement: figure, goal, and the figures behind it."""
    print(f"{'what':<48} {'figure':>9}  {'goal':<9}  figures (medians)")
    for part in sys.argv[1:] or PARTS:
        for line in PARTS[part]():
            mark = "" if line.met else "  MISSED"
            print(f"{line.name:<48} {line.figure:>9,.2f}  {line.goal:<9}  {line.detail}{mark}", flush=True)


if __name__ == "__main__":
    main()
