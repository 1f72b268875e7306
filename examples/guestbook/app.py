"""The application for servers, which are given `app:app`; see README.md."""

from guestbook import create_app

app = create_app()
