"""The application, for the ``kolben`` command and for servers: ``kolben run``, ``gunicorn app:app``, ``uvicorn app:app``."""

from %%package%% import create_app

app = create_app()
