"""What other frameworks' programs need to find: :mod:`kolben.compat.flask` is what ``import flask`` means under the alias."""
