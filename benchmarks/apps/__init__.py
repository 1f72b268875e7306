"""One module a framework: ``wsgi(kind)`` and ``asgi(kind)`` make the application of a kind, or give ``None``.

Each application has the routes that its kind needs and no more, written as the framework's documentation writes them.
"""
