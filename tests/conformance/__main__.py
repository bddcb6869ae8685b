"""`make conformance SPECS=DIR`: the whole run, its table, and exit code 1 when a document is broken."""

import sys
from pathlib import Path

from conformance import documents, driver
from emulator_support import running
from talon_emulator import operations
from talon_emulator.settings import Settings

EXAMPLES = 60


def main(folder: str) -> int:
    """Run; return 0 when every document is kept, 1 when one is broken, 2 when there is none."""
    if not Path(folder).is_dir() or not documents.in_folder(Path(folder)):
        sys.stderr.write(f"{folder}: {documents.NO_SPECS}\n")
        return 2
    outcomes = []
    try:
        read = driver.read(Path(folder))
    except documents.Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with running(Settings(deployment=driver.SEED)) as emulator:
        for document in read:
            for documented, operation in driver.emulated(document, operations.EMULATED):
                outcomes.append(driver.run(emulator.client, document, documented, operation.security, EXAMPLES))
    sys.stdout.write(driver.table(outcomes))
    return 1 if any(outcome.findings for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
