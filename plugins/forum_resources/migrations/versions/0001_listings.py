"""Listings, their channels, reports, and what agencies add."""

import sqlalchemy as sa
from alembic import op

import forum.db

revision = "resources_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "resources_organization",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("website", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources_organization")),
    )
    op.create_table(
        "resources_service",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("url", sa.String(length=300), nullable=False),
        sa.Column("area", sa.String(length=200), nullable=False),
        sa.Column("eligibility", sa.Text(), nullable=False),
        sa.Column("fees", sa.String(length=200), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("doubts", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("strip", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("touched_at", forum.db.UTC(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["resources_organization.id"],
            name=op.f("fk_resources_service_organization_id"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources_service")),
    )  # fmt: skip
    op.create_index("ix_resources_service_order", "resources_service", ["status", "priority", "name"])
    op.create_table(
        "resources_channel",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("printed", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("checked_at", forum.db.UTC(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["resources_service.id"],
            name=op.f("fk_resources_channel_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources_channel")),
    )
    op.create_index("ix_resources_channel_service", "resources_channel", ["service_id", "position"])
    op.create_table(
        "resources_report",
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("at", forum.db.UTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["resources_channel.id"],
            name=op.f("fk_resources_report_channel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", "source", name=op.f("pk_resources_report")),
    )
    op.create_index("ix_resources_report_at", "resources_report", ["at"])
    op.create_table(
        "resources_local",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=600), nullable=False),
        sa.Column("added_by", sa.Integer(), nullable=True),
        sa.Column("added_at", forum.db.UTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by"], ["person.id"], name=op.f("fk_resources_local_added_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_resources_local_agency_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources_local")),
    )
    op.create_index(op.f("ix_resources_local_agency_id"), "resources_local", ["agency_id"])


def downgrade() -> None:
    """Undo it."""
    for table in ("local", "report", "channel", "service", "organization"):
        op.drop_table(f"resources_{table}")
