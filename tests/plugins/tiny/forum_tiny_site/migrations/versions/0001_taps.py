"""Taps."""

import sqlalchemy as sa
from alembic import op

revision = "tiny_site_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "tiny_site_tap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tiny_site_tap"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("tiny_site_tap")
