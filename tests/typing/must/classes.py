"""Views, requests and applications as classes."""

from werkzeug.wrappers import Response as WerkzeugResponse

from kolben import Kolben, Request, Response, redirect, session, url_for
from kolben.typing import ResponseReturnValue
from kolben.views import MethodView, View


class Counter(MethodView):
    init_every_request = False

    def get(self) -> str:
        return str(session.get("counter", 0))

    async def post(self) -> WerkzeugResponse:
        session["counter"] = session.get("counter", 0) + 1
        return redirect(url_for("counter"))


class Hello(View):
    methods = ("GET",)

    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    def dispatch_request(self, name: str) -> str:
        return f"{self.greeting}, {name}!"


class Plain(Response):
    default_mimetype = "text/plain"


class Own(Kolben):
    request_class = Request
    response_class = Plain

    def dispatch_request(self) -> ResponseReturnValue:
        rv: ResponseReturnValue = super().dispatch_request()
        return rv

    def make_response(self, rv: ResponseReturnValue) -> Response:
        return super().make_response((rv, 201) if isinstance(rv, str) else rv)


app = Own(__name__)
app.add_url_rule("/counter", view_func=Counter.as_view("counter"))
app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello", "Hello"))
