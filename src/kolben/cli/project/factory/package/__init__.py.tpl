"""%%title%%, a Kolben application."""

from kolben import Kolben, render_template


def create_app(settings=None):
    """Make the application.

    :param settings: a dict of settings that override all others, for tests.
    """
    app = Kolben(__name__, instance_relative_config=True)
    app.config.from_object("%%package%%.config")
    app.config.from_pyfile("config.py", silent=True)  # instance/config.py
    app.config.from_prefixed_env()
    app.config.from_mapping(settings or {})

    # Imported here, so that blueprints are free to import what they like from this package.
    from %%package%% import pages

    app.register_blueprint(pages.bp)
    app.register_error_handler(404, page_not_found)
    return app


def page_not_found(error):
    return render_template("pages/not_found.html"), 404
