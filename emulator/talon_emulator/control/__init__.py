"""The control API's handlers, under `/_emulator/`, and the metrics."""
