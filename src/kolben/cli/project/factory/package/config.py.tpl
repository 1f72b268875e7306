"""Settings that are the same on every machine. Secrets belong into ``instance/config.py`` or the environment."""

SITE_NAME = "%%title%%"

# The largest request that is accepted, in bytes.
MAX_CONTENT_LENGTH = 1024 * 1024
