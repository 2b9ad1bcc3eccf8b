"""Guardians of children: consent, its withdrawal, and growing up."""

from forum.agencies.guardians.routes import bp

__all__ = ["bp"]
