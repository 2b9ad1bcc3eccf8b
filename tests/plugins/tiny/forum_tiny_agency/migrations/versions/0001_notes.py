"""Notes."""

import sqlalchemy as sa
from alembic import op

import forum.db

revision = "tiny_agency_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "tiny_agency_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(length=300), nullable=False),
        sa.Column("at", forum.db.UTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name="fk_tiny_agency_note_agency_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name="fk_tiny_agency_note_author_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tiny_agency_note"),
    )
    op.create_index("ix_tiny_agency_note_agency_id", "tiny_agency_note", ["agency_id"])
    op.create_index("ix_tiny_agency_note_author_id", "tiny_agency_note", ["author_id"])


def downgrade() -> None:
    """Undo it."""
    op.drop_table("tiny_agency_note")
