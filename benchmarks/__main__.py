"""Run every benchmark and print the table."""

from benchmarks import bridge, cold_start, contracts, emulator, plugin, throughput


def main() -> None:
    """One line a measurement: figure, goal, and the figures behind it."""
    print(f"{'what':<48} {'figure':>9}  {'goal':<9}  figures (medians)")
    for measure in (
        cold_start.measure,
        throughput.measure,
        bridge.measure,
        emulator.measure,
        contracts.measure,
        plugin.measure,
    ):
        for line in measure():
            mark = "" if line.met else "  MISSED"
            print(f"{line.name:<48} {line.figure:>9,.2f}  {line.goal:<9}  {line.detail}{mark}", flush=True)


if __name__ == "__main__":
    main()
