"""The Management API: what it lists, shows and changes, one module for each noun."""
