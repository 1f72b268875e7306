"""A form, read and rendered."""

from kolben import Flask, render_template, request

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index() -> str:
    if request.method == "POST":
        name = request.form.get("name")
        return f"Hello, {name}!"
    return render_template("index.html")
