"""Who may do what with accounts. Pure functions of the viewer."""

from __future__ import annotations

from forum.permissions import Permission, anyone, register

register(
    Permission("accounts.sign_in", "Sign in, sign out and reset a password", anyone, signed_in=False),
    Permission("accounts.leave", "Leave quickly", anyone, signed_in=False),
    Permission("accounts.manage_own", "See and change one's own account", anyone),
    Permission("accounts.secure_own", "Change address and password, export, leave", anyone, sensitive=True),
)
