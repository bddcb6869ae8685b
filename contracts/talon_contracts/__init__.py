"""What must hold between Segment and Talon.One, as schemas, examples, an oracle and properties."""
