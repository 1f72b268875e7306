"""What helps while an application is being written, and is never loaded in production."""
