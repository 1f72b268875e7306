"""The production server: ``kolben serve``."""
