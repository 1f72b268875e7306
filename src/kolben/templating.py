"""Templates: the Jinja environment of an application, and the functions that render them from views."""

from __future__ import annotations

import os
import sys
import typing as t
from collections import ChainMap
from collections.abc import Iterator
from inspect import isawaitable

from jinja2 import BaseLoader, Template, TemplateNotFound
from jinja2 import Environment as JinjaEnvironment
from jinja2.runtime import new_context

from . import bridge
from .globals import current_app, get_current
from .signals import before_render_template, template_rendered

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from jinja2.runtime import Context

    from .app import Kolben
    from .registrar import Registrar

    Source = tuple[str, str | None, Callable[[], bool] | None]
    TemplateName = str | Template | list[str | Template]


def render_template(template_name_or_list: TemplateName, **context: t.Any) -> str:
    """Render a template from the template folders.

    :param template_name_or_list: the name, or several of which the first that exists is taken.
    :param context: the variables of the template, over those of the context processors.
    :return: the text. In an async view it may be awaited, and must be where a context processor is async.
    """
    app = _current_app()
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: t.Any) -> str:
    """Render a template from its source, which is compiled when it is first seen. It is escaped like HTML.

    :param source: the text of the template. Never build it from what a user sent: pass that as a variable.
    :param context: the variables of the template, over those of the context processors.
    """
    app = _current_app()
    return _render(app, _from_string(app.jinja_env, source), context)


def stream_template(template_name_or_list: TemplateName, **context: t.Any) -> Iterator[str]:
    """Render a template from the template folders piece by piece, to be returned from a view.

    :param template_name_or_list: the name, or several of which the first that exists is taken.
    :param context: the variables of the template, over those of the context processors.
    """
    app = _current_app()
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template from its source piece by piece, to be returned from a view."""
    app = _current_app()
    return _stream(app, _from_string(app.jinja_env, source), context)


def update_template_context(app: Kolben, context: dict[str, t.Any]) -> None:
    """Add to a template's variables what the context processors give: those of the application, then those of the
    request's blueprints from the outermost to the innermost, each over the ones before. What is there already stays.
    """
    given = context.copy()
    processors = app.template_context_processors
    names: list[str | None] = [None]
    if len(processors) > 1:
        ctx = get_current(None)
        if ctx is not None and ctx.request is not None:
            names.extend(reversed(ctx.request.blueprints))
    for name in names:
        for processor in processors.get(name, ()):
            values: t.Any = processor()
            context.update(bridge.settle(values) if type(values) is not dict and isawaitable(values) else values)
    context.update(given)


def _current_app() -> Kolben:
    ctx = get_current(None)
    if ctx is None:
        return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # a proxy, which says what is wrong
    return ctx.app


def _from_string(env: JinjaEnvironment, source: str) -> Template:
    return env.compiled(source) if isinstance(env, Environment) else env.from_string(source)


def _render(app: Kolben, template: Template, context: dict[str, t.Any]) -> str:
    if not _on_event_loop():
        return _render_here(app, template, context)
    if not _waits(app):
        return RenderedTemplate(_render_here(app, template, context))
    # NOTE: rendering needs what only the event loop can give, so it must not keep the loop waiting. Whoever gets the
    # coroutine awaits it: the view or the dispatcher.
    return t.cast("str", bridge.to_async(_render_here)(app, template, context))


def _render_here(app: Kolben, template: Template, context: dict[str, t.Any]) -> str:
    _prepare(app, template, context)
    text = template.render(context)
    if template_rendered.receivers:
        bridge.send(template_rendered, app, template=template, context=context)
    return text


def _stream(app: Kolben, template: Template, context: dict[str, t.Any]) -> Iterator[str]:
    on_loop = _on_event_loop()
    prepared = not (on_loop and _waits(app))
    if prepared:
        _prepare(app, template, context)

    def generate() -> Iterator[str]:
        if not prepared:
            _prepare(app, template, context)
        yield from template.generate(context)
        if template_rendered.receivers:
            bridge.send(template_rendered, app, template=template, context=context)

    return TemplateStream(generate()) if on_loop else generate()


def _prepare(app: Kolben, template: Template, context: dict[str, t.Any]) -> None:
    app.update_template_context(context)
    if before_render_template.receivers:
        bridge.send(before_render_template, app, template=template, context=context)


def _on_event_loop() -> bool:
    # NOTE: a process in which nobody imported asyncio has no loop, and need not import it.
    find_loop = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return find_loop is not None and find_loop() is not None


def _waits(app: Kolben) -> bool:
    """Tell whether something that rendering calls is async."""
    for funcs in app.template_context_processors.values():
        for func in funcs:
            if bridge.is_async(func):
                return True
    return any(
        any(map(bridge.is_async, signal.receivers_for(app)))
        for signal in (before_render_template, template_rendered)
        if signal.receivers
    )


class RenderedTemplate(str):
    """A text that may be awaited, for views that were written for ``await render_template(...)``."""

    __slots__ = ()

    def __await__(self) -> Generator[t.Any, None, str]:
        yield from ()
        return str(self)


class TemplateStream(Iterator[str]):
    """An iterator that may be awaited, for views that were written for ``await stream_template(...)``."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """End the template where it stands."""
        t.cast("Generator[str]", self._pieces).close()

    def __await__(self) -> Generator[t.Any, None, TemplateStream]:
        yield from ()
        return self


class AppTemplate(Template):
    """Jinja's template, whose variables are put together by dicts alone."""

    def new_context(
        self, vars: dict[str, t.Any] | None = None, shared: bool = False, locals: t.Mapping[str, t.Any] | None = None
    ) -> Context:
        # PERF: benchmarks/inprocess.py, kind "template". A template's globals are a chain of its own, nearly always
        # none, and those of its environment; going through a chain twice takes longer than to render a small template.
        chain: t.Any = self.globals
        if type(chain) is ChainMap and len(chain.maps) == 2 and not chain.maps[0] and type(chain.maps[1]) is dict:
            chain = chain.maps[1]
        return new_context(self.environment, self.name, self.blocks, vars, shared, chain, locals)


class Environment(JinjaEnvironment):
    """A Jinja environment that belongs to an application and finds the templates of its blueprints too.

    :param options: of :class:`jinja2.Environment`; ``loader`` unless given is the application's.
    """

    #: How many templates that were given as strings are kept compiled.
    STRINGS_AT_MOST = 256

    def __init__(self, app: Kolben, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        if self.template_class is Template:
            self.template_class = AppTemplate
        self.app = app
        self._compiled: dict[str, Template] = {}

    def compiled(self, source: str) -> Template:
        """Return :meth:`from_string` of a source, which is compiled only once.

        A program that builds sources from changing data makes ever new ones: when many have been seen, all are
        forgotten.
        """
        template = self._compiled.get(source)
        if template is None:
            template = self.from_string(source)
            if len(self._compiled) >= self.STRINGS_AT_MOST:
                self._compiled.clear()
            self._compiled[source] = template
        return template

    def overlay(self, *args: t.Any, **kwargs: t.Any) -> t.Self:
        """Return an environment that shares all with this one but the given options."""
        other = super().overlay(*args, **kwargs)
        other._compiled = {}
        return other


class DispatchingJinjaLoader(BaseLoader):
    """Looks for templates in the application's folder and then in those of its blueprints."""

    def __init__(self, app: Kolben) -> None:
        self.app = app

    def get_source(self, environment: JinjaEnvironment, template: str) -> Source:
        """Return the source of a template, its path, and a function that tells whether it is up to date.

        :raises TemplateNotFound: no folder has it. With ``EXPLAIN_TEMPLATE_LOADING`` the log says where it was sought.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        for _owner, loader in self._iter_loaders():
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template, self._say_where(template))

    def _get_source_explained(self, environment: JinjaEnvironment, template: str) -> Source:
        attempts: list[tuple[Registrar, BaseLoader, Source | None]] = []
        for owner, loader in self._iter_loaders():
            try:
                attempts.append((owner, loader, loader.get_source(environment, template)))
            except TemplateNotFound:
                attempts.append((owner, loader, None))
        self.explain(template, attempts)
        for _owner, _loader, source in attempts:
            if source is not None:
                return source
        raise TemplateNotFound(template, self._say_where(template))

    def _say_where(self, template: str) -> str:
        """The message for a template that is missing: the folders that do not have it."""
        loaders = [loader for _owner, loader in self._iter_loaders()]
        places = [path for loader in loaders for path in getattr(loader, "searchpath", [type(loader).__name__])]
        # NOTE: a folder that is missing altogether is the likeliest cause of all.
        shown = [path if os.path.isdir(path) or os.sep not in path else f"{path} (does not exist)" for path in places]
        return f"{template}\n\nIt is in none of these folders:\n" + "\n".join(f"- {place}" for place in shown)

    def explain(self, template: str, attempts: list[tuple[Registrar, BaseLoader, Source | None]]) -> None:
        """Log where a template was looked for, and what was found there."""
        self.app.logger.info(explanation(self.app, template, attempts))

    def _iter_loaders(self) -> Iterator[tuple[Registrar, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            if owner.jinja_loader is not None:
                yield owner, owner.jinja_loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates."""
        return list({name for _owner, loader in self._iter_loaders() for name in loader.list_templates()})


def explanation(app: Kolben, template: str, attempts: list[tuple[Registrar, BaseLoader, Source | None]]) -> str:
    lines = [f"Locating template {template!r}:"]
    for number, (owner, loader, source) in enumerate(attempts, 1):
        kind = "application" if owner is app else "blueprint"
        lines.append(f"{number:5}: trying loader of {kind} {owner.name!r} ({owner.import_name})")
        lines.extend(f"       {line}" for line in _describe(loader))
        lines.append("       -> no match" if source is None else f"       -> found ({source[1] or '<string>'!r})")
    found = sum(source is not None for _owner, _loader, source in attempts)
    if found == 1:
        return "\n".join(lines)
    lines.append(
        "Warning: multiple loaders returned a match for the template."
        if found
        else "Error: the template could not be found."
    )
    ctx = get_current(None)
    blueprint = None if ctx is None or ctx.request is None else ctx.request.blueprint
    if blueprint is not None:
        lines.append(f"  The template was looked up from an endpoint that belongs to the blueprint {blueprint!r}.")
        lines.append("  Maybe you did not place a template in the right folder? The application's folder goes first.")
    return "\n".join(lines)


def _describe(loader: BaseLoader) -> Iterator[str]:
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for key, value in sorted(vars(loader).items()):
        if key.startswith("_"):
            continue
        if isinstance(value, str | int | float | bool):
            yield f"{key}: {value!r}"
        elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            yield f"{key}:"
            yield from (f"  - {item}" for item in value)
