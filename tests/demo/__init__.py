"""The demo: a lab on real parts is declared, broken by another administrator, repaired, and leaves no trace."""
