"""What every store of the bridge needs of SQLite and PostgreSQL, whatever it keeps there."""
