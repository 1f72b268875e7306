"""For other frameworks' programs: :mod:`kolben.compat.flask` is what ``import flask`` means under the alias."""
