"""The program: settings from the environment, the parts put together, the start and the end."""
