"""Where the templates, migrations and translations are, in a checkout and in a wheel.

In a checkout `templates/` and `migrations/` stand beside `forum/`; a wheel carries them
inside the package as `_templates` and `_migrations`.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def _either(inside: str, beside: str) -> Path:
    packed = PACKAGE / inside
    return packed if packed.is_dir() else PACKAGE.parent / beside


def templates() -> Path:
    """The folder of the core's pages."""
    return _either("_templates", "templates")


def migrations() -> Path:
    """The folder with `env.py` and the core's versions."""
    return _either("_migrations", "migrations")


def translations() -> Path:
    """The folder of the core's catalogues."""
    return PACKAGE / "translations"


def demo_data() -> Path:
    """The folder of the demo's texts."""
    return PACKAGE / "demo_data"
