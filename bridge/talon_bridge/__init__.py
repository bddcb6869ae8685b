"""The Segment destination: takes Segment calls in, brings Talon.One customer profiles up to date."""
