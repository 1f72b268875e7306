"""``flask.signals``: what an application sends while it works."""

from __future__ import annotations

from blinker import Namespace as Namespace

from kolben.signals import _signals as _signals
from kolben.signals import appcontext_popped as appcontext_popped
from kolben.signals import appcontext_pushed as appcontext_pushed
from kolben.signals import appcontext_tearing_down as appcontext_tearing_down
from kolben.signals import before_render_template as before_render_template
from kolben.signals import got_request_exception as got_request_exception
from kolben.signals import message_flashed as message_flashed
from kolben.signals import request_finished as request_finished
from kolben.signals import request_started as request_started
from kolben.signals import request_tearing_down as request_tearing_down
from kolben.signals import template_rendered as template_rendered
