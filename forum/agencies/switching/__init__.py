"""What an agency has switched on: its plugins page, their settings, and the news of it."""

from forum.agencies.switching.routes import bp

__all__ = ["bp"]
