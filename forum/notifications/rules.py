"""Who may read notices: each person her own."""

from __future__ import annotations

from forum.permissions import Permission, anyone, register

register(Permission("notifications.read", "Read one's own notices", anyone))
