"""Long random stories over the whole operator: `make soak`."""
