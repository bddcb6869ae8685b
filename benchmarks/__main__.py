"""Run every benchmark and print the table."""

from benchmarks import cold_start, throughput


def main() -> None:
    """One line a measurement: ratio, goal, and the figures behind it."""
    print(f"{'what':<40} {'ratio':>6}  {'goal':<8}  figures (medians)")
    for measure in (cold_start.measure, throughput.measure):
        for line in measure():
            mark = "" if line.met else "  MISSED"
            print(f"{line.name:<40} {line.ratio:>6.2f}  {line.goal:<8}  {line.detail}{mark}", flush=True)


if __name__ == "__main__":
    main()
