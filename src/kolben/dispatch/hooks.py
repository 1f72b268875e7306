"""The functions around a view, made ready for how its plan calls them.

Around an asynchronous view, those that are synchronous run in a thread: one trip there for all that follow one another,
in their order.
"""

from __future__ import annotations

import typing as t
from functools import partial, update_wrapper
from itertools import groupby

from .. import bridge
from .convert import check_returned

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Hook = Callable[..., t.Any]
    Join = Callable[[Sequence[Hook]], Hook]


class Around:
    """What makes functions ready for the plans of one kind.

    :param adapt: makes a function one that the plan can call, or await.
    :param adapt_last: the same for those that end a request.
    :param joins: whether synchronous functions that follow one another are made one.
    """

    def __init__(self, adapt: Callable[[Hook], Hook], adapt_last: Callable[[Hook], Hook], joins: bool) -> None:
        self.adapt = adapt
        self._adapt_last = adapt_last
        self._joins = joins

    def preprocessors(self, functions: Iterable[Hook]) -> tuple[Hook, ...]:
        """For ``url_value_preprocessor``: each is called, and what it returns is nobody's."""
        return self._ready(functions, self.adapt, _each)

    def before(self, functions: Iterable[Hook]) -> tuple[Hook, ...]:
        """For ``before_request``: they are called until one returns something, which is the response."""
        return self._ready(functions, self.adapt, _until_answered)

    def after(self, functions: Iterable[Hook]) -> tuple[Hook, ...]:
        """For ``after_request``: each is handed the response that the one before it returned."""
        return self._ready(functions, self.adapt, _in_turn)

    def after_websocket(self, functions: Iterable[Hook]) -> tuple[Hook, ...]:
        """For ``after_websocket``: the same, where there may be no response."""
        return self._ready(functions, self.adapt, partial(_in_turn, may_be_none=True))

    def teardown(self, functions: Iterable[Hook]) -> tuple[Hook, ...]:
        """For teardown: each is called, even if one raises; the first error is raised in the end."""
        return self._ready(functions, self._adapt_last, _in_any_case)

    def _ready(self, functions: Iterable[Hook], adapt: Callable[[Hook], Hook], join: Join) -> tuple[Hook, ...]:
        if not self._joins:
            return tuple(map(adapt, functions))
        hooks: list[Hook] = []
        for is_async, members in groupby(functions, bridge.is_async):
            group = list(members)
            if is_async or len(group) == 1:
                hooks.extend(map(adapt, group))
            else:
                hooks.append(adapt(update_wrapper(join(group), group[0])))
        return tuple(hooks)


SYNC = Around(bridge.to_sync, bridge.to_sync, joins=False)
"""For plans that run where they are called."""

ON_LOOP = Around(partial(bridge.to_async, crew="hooks"), partial(bridge.to_async, crew="closers"), joins=True)
"""For plans that run on the event loop."""


def _each(hooks: Sequence[Hook]) -> Hook:
    def call(endpoint: str | None, values: t.Any) -> None:
        for hook in hooks:
            bridge.call(hook, endpoint, values)

    return call


def _until_answered(hooks: Sequence[Hook]) -> Hook:
    def call() -> t.Any:
        answers = (bridge.call(hook) for hook in hooks)
        return next((answer for answer in answers if answer is not None), None)

    return call


def _in_turn(hooks: Sequence[Hook], may_be_none: bool = False) -> Hook:
    def call(response: t.Any) -> t.Any:
        for hook in hooks:
            response = bridge.call(hook, response)
            if not may_be_none:
                check_returned(hook, response)
        return response

    return call


def _in_any_case(hooks: Sequence[Hook]) -> Hook:
    def call(exc: BaseException | None) -> None:
        error: Exception | None = None
        for hook in hooks:
            try:
                bridge.call(hook, exc)
            except Exception as failure:
                error = error or failure
        if error is not None:
            raise error

    return call
