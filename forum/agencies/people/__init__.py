"""One person seen by others: her profile, her roles with the Alliance, a suspension."""

from forum.agencies.people.routes import bp

__all__ = ["bp"]
