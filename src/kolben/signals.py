"""The signals that an application sends while it works, each with the application as its sender.

Connect a function with ``request_started.connect(function, app)``. A signal without receivers costs nothing. Receivers
may be sync or async, except where the sender is the receiving end of a running event loop.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

template_rendered = _signals.signal("template-rendered", "After a template was rendered: `template`, `context`.")
before_render_template = _signals.signal(
    "before-render-template", "Before a template is rendered: `template`, `context` (which may be changed)."
)

request_started = _signals.signal("request-started", "The request context is there, nothing has run yet.")
request_finished = _signals.signal("request-finished", "The response is final and about to be sent: `response`.")
request_tearing_down = _signals.signal("request-tearing-down", "The request ends: `exc`, or None.")
got_request_exception = _signals.signal("got-request-exception", "No handler took the exception: `exception`.")

websocket_started = _signals.signal("websocket-started", "A WebSocket's context is there, nothing has run yet.")
websocket_finished = _signals.signal("websocket-finished", "The view of a WebSocket returned: `response`, or None.")
websocket_tearing_down = _signals.signal("websocket-tearing-down", "A WebSocket's context ends: `exc`, or None.")
got_websocket_exception = _signals.signal("got-websocket-exception", "A WebSocket's view failed: `exception`.")

got_background_exception = _signals.signal("got-background-exception", "A background task failed: `exception`.")
got_serving_exception = _signals.signal(
    "got-serving-exception", "A function of before_serving, after_serving or while_serving failed: `exception`."
)

appcontext_pushed = _signals.signal("appcontext-pushed", "An application context was pushed.")
appcontext_popped = _signals.signal("appcontext-popped", "An application context was popped.")
appcontext_tearing_down = _signals.signal("appcontext-tearing-down", "An application context ends: `exc`, or None.")

message_flashed = _signals.signal("message-flashed", "A message was flashed: `message`, `category`.")
