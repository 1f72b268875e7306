"""The shortest program."""

from kolben import Kolben

app = Kolben(__name__)


@app.route("/")
def hello_world() -> str:
    return "Hello, World!"


if __name__ == "__main__":
    app.run()
