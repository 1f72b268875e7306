"""WSGI applications on a server that speaks ASGI."""
