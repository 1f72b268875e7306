"""%%title%%: run it with ``kolben run --debug``, or ``python app.py``."""

from kolben import Kolben

app = Kolben(__name__)


@app.get("/")
def index():
    return "<!doctype html><title>%%title%%</title><h1>Hello, World!</h1>"


@app.get("/hello/<name>")
def hello(name):
    # What a dict holds is sent as JSON.
    return {"hello": name}


if __name__ == "__main__":
    app.run()
