"""The development server: ``kolben run`` and ``app.run()``."""
