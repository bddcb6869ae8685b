"""What we measure, each a ratio against a ceiling taken in the same run."""
