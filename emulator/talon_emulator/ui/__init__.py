"""The local Campaign Manager: pages rendered on the server, without scripts."""
