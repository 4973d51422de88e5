"""The application: the only place where the rooms of the house meet."""

__version__ = "0.1.0"
