"""`python -m localtalon` is `localtalon`."""

from localtalon.cli import main

if __name__ == "__main__":
    main(prog_name="localtalon")
