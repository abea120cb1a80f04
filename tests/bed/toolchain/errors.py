"""The one error of the tool chain: what failed, and what the reader can do about it."""

__all__ = ["ToolchainError"]


class ToolchainError(RuntimeError):
    """Something could not be built or found. The message names it, shows the output, and says the cure."""
