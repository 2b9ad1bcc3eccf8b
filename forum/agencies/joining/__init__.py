"""The ways in: invites, joining by one, asking to join, and the desk that decides."""

from forum.agencies.joining.routes import bp

__all__ = ["bp"]
