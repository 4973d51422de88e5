"""How things are kept: SQLAlchemy Core and migrations live here and nowhere else."""
