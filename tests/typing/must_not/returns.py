"""Views that return what makes no response."""

from kolben import Kolben, Response

app = Kolben(__name__)


@app.route("/int")  # E: type-var
def as_int() -> int:
    return 1


@app.get("/none")  # E: type-var
async def as_none() -> None:
    pass


@app.post("/set")  # E: type-var
def as_set() -> set[str]:
    return {"Ada"}


Response(1)  # E: arg-type
Response("text", status=2.5)  # E: arg-type
