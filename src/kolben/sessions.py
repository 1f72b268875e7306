"""Sessions: what :data:`kolben.session` is, and where it is kept between requests; unless told otherwise, in a signed
cookie."""

from __future__ import annotations

import hashlib
import types
import typing as t
from base64 import urlsafe_b64decode
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache

from werkzeug.datastructures import CallbackDict
from werkzeug.exceptions import BadRequest

from .globals import get_current
from .http.response import add_vary
from .json.tag import TaggedJSONSerializer

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itsdangerous import URLSafeTimedSerializer
    from werkzeug.wrappers import Response

    from .app import Kolben
    from .http.request import Request


class SessionMixin(MutableMapping[str, t.Any]):
    """What a session is besides a dict; to be mixed into one."""

    #: Whether the session was created by this request, where that is known. Use with caution.
    new = False

    #: Whether the session must be saved. True here, for sessions that cannot tell.
    modified = True

    #: Whether the session was looked at. The response varies by cookie then.
    accessed = False

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser, by ``PERMANENT_SESSION_LIFETIME``. Stored in the session itself."""
        value: bool = self.get("_permanent", False)
        return value

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(  # pyright: ignore[reportIncompatibleMethodOverride]  # Werkzeug's update takes less
    CallbackDict[str, t.Any], SessionMixin
):
    """A session that is stored in a signed cookie.

    Changes of the session itself set :attr:`modified`. After a change inside one of its values, such as an append to a
    list, set it yourself.
    """

    modified = False

    def __init__(self, initial: Mapping[str, t.Any] | None = None) -> None:
        super().__init__(initial, _mark_modified)

    def __setitem__(self, key: str, value: t.Any) -> None:
        # PERF: benchmarks/sessions.py: what Werkzeug's dict does in four calls.
        if self.on_update is _mark_modified:
            dict.__setitem__(self, key, value)
            self.modified = True
        else:
            super().__setitem__(key, value)


def _mark_modified(session: SecureCookieSession) -> None:
    session.modified = True


_NO_KEY = """\
The session is unavailable because no secret key was set.  Set the secret_key on the application to something unique \
and secret.

Create a key once with

    python -c 'import secrets; print(secrets.token_hex())'

and give it to the application without writing it into the code: for example by the environment variable \
KOLBEN_SECRET_KEY and app.config.from_prefixed_env().\
"""


class NullSession(SecureCookieSession):
    """An empty session that can be read but not changed: there is no secret key to sign it with."""

    def _fail(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        raise RuntimeError(_NO_KEY)

    if not t.TYPE_CHECKING:
        __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = update = setdefault = _fail


class SessionInterface:
    """How sessions are opened and saved. To keep them elsewhere, write :meth:`open_session` and :meth:`save_session`,
    and set ``app.session_interface`` to an instance.

    What :meth:`open_session` returns is a dict with the attributes of :class:`SessionMixin`::

        class Session(dict, SessionMixin):
            pass

    Requests of one browser run at the same time, and open and save in the order in which they begin and end: an
    interface to a store must expect that.
    """

    #: What :meth:`make_null_session` creates and :meth:`is_null_session` knows.
    null_session_class = NullSession

    #: Whether the interface uses pickle. For extensions to ask.
    pickle_based = False

    def make_null_session(self, app: Kolben) -> NullSession:
        """Create what stands for the session if none can be opened: reading works, changing says what is missing."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether ``obj`` came from :meth:`make_null_session`. Such sessions are not saved."""
        # PERF: benchmarks/sessions.py: sessions are of an abstract class, for which this is asked in Python.
        if type(obj) is SecureCookieSession and self.null_session_class is NullSession:
            return False
        return isinstance(obj, self.null_session_class)

    def open_session(self, app: Kolben, request: Request) -> SessionMixin | None:
        """Return the session of a request, or ``None`` if something is missing for it.

        It runs in the context of the request, before its URL is matched.
        """
        raise NotImplementedError

    def save_session(self, app: Kolben, session: SessionMixin, response: Response) -> None:
        """Keep the session for the next request. It runs when the response is there, and not for null sessions."""
        raise NotImplementedError

    def should_set_cookie(self, app: Kolben, session: SessionMixin) -> bool:
        """Tell whether the response sets the cookie: the session was changed, or it is permanent and
        ``SESSION_REFRESH_EACH_REQUEST`` is on."""
        return session.modified or (session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def get_expiration_time(self, app: Kolben, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires, or ``None``: when the browser is closed."""
        if session.permanent:
            return datetime.now(UTC) + app.permanent_session_lifetime
        return None

    def get_cookie_name(self, app: Kolben) -> str:
        """Return ``SESSION_COOKIE_NAME``."""
        value: str = app.config["SESSION_COOKIE_NAME"]
        return value

    def get_cookie_domain(self, app: Kolben) -> str | None:
        """Return ``SESSION_COOKIE_DOMAIN``: with ``None`` only the exact host gets the cookie, else subdomains too."""
        value: str | None = app.config["SESSION_COOKIE_DOMAIN"]
        return value

    def get_cookie_path(self, app: Kolben) -> str:
        """Return ``SESSION_COOKIE_PATH``, or else ``APPLICATION_ROOT``."""
        value: str = app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]
        return value

    def get_cookie_httponly(self, app: Kolben) -> bool:
        """Return ``SESSION_COOKIE_HTTPONLY``: scripts cannot read the cookie."""
        value: bool = app.config["SESSION_COOKIE_HTTPONLY"]
        return value

    def get_cookie_secure(self, app: Kolben) -> bool:
        """Return ``SESSION_COOKIE_SECURE``: the cookie goes over https only. With ``None``, if the request did."""
        secure = app.config["SESSION_COOKIE_SECURE"]
        if secure is not None:
            return secure  # type: ignore[no-any-return]  # PERF: a cast is a call
        ctx = get_current(None)
        return ctx is not None and ctx.request is not None and ctx.request.is_secure

    def get_cookie_samesite(self, app: Kolben) -> str | None:
        """Return ``SESSION_COOKIE_SAMESITE``: ``"Strict"``, ``"Lax"``, ``"None"``, or ``None`` to leave it out."""
        value: str | None = app.config["SESSION_COOKIE_SAMESITE"]
        return value

    def get_cookie_partitioned(self, app: Kolben) -> bool:
        """Return ``SESSION_COOKIE_PARTITIONED``: an embedded site gets a cookie of its own for each site around it."""
        value: bool = app.config["SESSION_COOKIE_PARTITIONED"]
        return value


def _lazy_sha1(string: bytes = b"") -> t.Any:
    # NOTE: looked up when called, because builds of Python for FIPS may lack it.
    return hashlib.sha1(string)


session_json_serializer = TaggedJSONSerializer()


class SecureCookieSessionInterface(SessionInterface):
    """Keeps sessions in cookies that are signed, so that nobody but the application can change them. Their owner can
    read them."""

    #: Mixed into the secret key, so that signatures for other purposes are no sessions.
    salt = "cookie-session"
    #: The hash function of the signature.
    digest_method = staticmethod(_lazy_sha1)
    #: How ItsDangerous derives the key of the signature from the secret key.
    key_derivation = "hmac"
    #: Writes the session as text and reads it.
    serializer: t.Any = session_json_serializer
    session_class = SecureCookieSession

    def get_signing_serializer(self, app: Kolben) -> URLSafeTimedSerializer | None:
        """Return what signs and verifies, or ``None`` if the application has no secret key.

        ``SECRET_KEY`` alone signs. A cookie that an older key of ``SECRET_KEY_FALLBACKS`` signed is still valid.
        """
        key = app.secret_key
        if not key:
            return None
        # NOTE: ItsDangerous signs with the last key, and tries the last key first.
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), key)
        return _signing_serializer(keys, self.salt, self.serializer, self.key_derivation, self.digest_method)

    def open_session(self, app: Kolben, request: Request) -> SecureCookieSession | None:
        """Return the verified content of the cookie as a session; an empty one if it is missing, too old, forged, or
        signed but not readable."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        return self.session_class(self._verified(serializer, app, request))

    def lazy_session(self, app: Kolben, request: Request) -> SecureCookieSession | None:
        """Return what :meth:`open_session` does, but verified when something first touches it, if at all.

        A subclass that opens sessions in its own way gets them opened in that way, and at once.
        """
        cls = type(self)
        if (
            cls.open_session is not SecureCookieSessionInterface.open_session
            or cls.get_signing_serializer is not SecureCookieSessionInterface.get_signing_serializer
        ):
            return self.open_session(app, request)
        if not app.secret_key:
            return None
        unopened = _unopened_class(self.session_class)
        session: t.Any = unopened.__new__(unopened)
        session.__dict__["_source"] = (self, app, request)
        return session  # type: ignore[no-any-return]  # PERF: a cast is a call

    def _verified(self, serializer: URLSafeTimedSerializer, app: Kolben, request: Request) -> t.Any:
        value = request.cookies.get(self.get_cookie_name(app))
        if not value:
            return None
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            return serializer.loads(value, max_age=max_age)
        except Exception as error:
            from itsdangerous import BadData

            if isinstance(error, (BadData, UnicodeError)):
                return None
            raise

    def save_session(self, app: Kolben, session: SessionMixin, response: Response) -> None:
        """Set the cookie if the session was changed or must be refreshed; delete it if it was emptied."""
        was_accessed = session.accessed
        if was_accessed:
            add_vary(response, "Cookie")
        if isinstance(session, UnopenedSession) and not session.modified and not self._may_refresh(app, session):
            return
        if not session:
            if session.modified:
                response.delete_cookie(self.get_cookie_name(app), **self._cookie_options(app))
                add_vary(response, "Cookie")
            return
        if self.should_set_cookie(app, session):
            self._set_cookie(app, session, response)
            if not was_accessed:
                add_vary(response, "Cookie")

    def _may_refresh(self, app: Kolben, session: UnopenedSession) -> bool:
        """Tell whether a session that nobody touched could be permanent, and so has to be sent again.

        PERF: benchmarks/inprocess.py, kind "session untouched". Verifying costs more than all else that is done for a
        small request.
        """
        if not app.config["SESSION_REFRESH_EACH_REQUEST"]:
            return False
        _, _, request = session._source
        try:
            cookie = request.cookies.get(self.get_cookie_name(app))
        except BadRequest:
            # NOTE: cookies that cannot be read are an error where a view reads them, and none where no view does.
            return False
        if not cookie:
            return False
        return self.serializer is not session_json_serializer or _mentions_permanent(cookie)

    def _set_cookie(self, app: Kolben, session: SessionMixin, response: Response) -> None:
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            raise RuntimeError(_NO_KEY)
        name = self.get_cookie_name(app)
        value = serializer.dumps(dict(session))
        size = len(name) + len(value) + 1
        limit = app.config.get("MAX_COOKIE_SIZE")
        if limit and size > limit:
            self.report_large_cookie(app, session, f"it has {size} bytes, but browsers keep no more than {limit}")
        expires = self.get_expiration_time(app, session)
        options = self._cookie_options(app)
        # PERF: benchmarks/sessions.py: a call with `**` takes longer than these look-ups.
        response.set_cookie(
            name,
            value,
            expires=expires,
            path=options["path"],
            domain=options["domain"],
            secure=options["secure"],
            httponly=options["httponly"],
            samesite=options["samesite"],
            partitioned=options["partitioned"],
        )

    def report_large_cookie(self, app: Kolben, session: SessionMixin, reason: str) -> None:
        """Say that browsers will drop the cookie, and which keys to look at: by an error in debug mode, else in the
        log.

        :raises RuntimeError: the application is in debug mode.
        """
        sizes = {key: len(session_json_serializer.dumps(value)) for key, value in session.items()}
        largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:5]
        keys = ", ".join(f"{key!r} ({sizes[key]} bytes)" for key in largest)
        message = (
            f"The session cookie {self.get_cookie_name(app)!r} is too large: {reason}, and they drop a larger one"
            f" without a word, so that the session would be lost. Its largest keys, before compression: {keys}."
            " Keep large data in a database or a cache and only its key in the session, or set"
            " 'app.session_interface' to one that keeps sessions on the server."
        )
        if app.debug:
            raise RuntimeError(message)
        app.logger.warning(message)

    def _cookie_options(self, app: Kolben) -> dict[str, t.Any]:
        cls: t.Any = type(self)
        if _has_own_options(cls):
            return self._own_cookie_options(app)
        # PERF: benchmarks/sessions.py: what the methods below say, without calling them.
        config = app.config
        secure = config["SESSION_COOKIE_SECURE"]
        return {
            "domain": config["SESSION_COOKIE_DOMAIN"],
            "path": config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"],
            "secure": self.get_cookie_secure(app) if secure is None else secure,
            "httponly": config["SESSION_COOKIE_HTTPONLY"],
            "samesite": config["SESSION_COOKIE_SAMESITE"],
            "partitioned": config["SESSION_COOKIE_PARTITIONED"],
        }

    def _own_cookie_options(self, app: Kolben) -> dict[str, t.Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }


@lru_cache(maxsize=32)
def _has_own_options(cls: type[SessionInterface]) -> bool:
    """Whether a class says itself what cookies look like."""
    names = ("domain", "path", "secure", "httponly", "samesite", "partitioned")
    return any(
        getattr(cls, f"get_cookie_{name}") is not getattr(SecureCookieSessionInterface, f"get_cookie_{name}")
        for name in names
    )


@lru_cache(maxsize=32)
def _signing_serializer(
    keys: tuple[str | bytes, ...],
    salt: str,
    serializer: t.Any,
    key_derivation: str,
    digest_method: Callable[..., t.Any],
) -> URLSafeTimedSerializer:
    options: t.Any = {
        "salt": salt,
        "serializer": serializer,
        "signer_kwargs": {"key_derivation": key_derivation, "digest_method": digest_method},
    }
    if digest_method is _lazy_sha1 and key_derivation == "hmac":
        from .http.signatures import CookieSerializer

        return CookieSerializer(list(keys), **options)  # type: ignore[arg-type]  # invariant list of two types of keys
    from itsdangerous import URLSafeTimedSerializer

    return URLSafeTimedSerializer(list(keys), **options)  # type: ignore[arg-type]  # as above


def _mentions_permanent(cookie: str) -> bool:
    """Tell whether the unverified cookie could hold a permanent session. One that is compressed could."""
    payload, _, _ = cookie.partition(".")
    try:
        return not payload or b'"_permanent"' in urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except ValueError:
        return False


class UnopenedSession:
    """Stands before the class of a session whose cookie has not been looked at; the first touch takes it away.

    Each method of a dict is replaced by one that opens the session and then calls the real one. Opening changes the
    class of the object to the session's own: from then on it is what it would have been if opened at once.
    """

    __slots__ = ()

    if t.TYPE_CHECKING:
        accessed: bool
        modified: bool
        _source: tuple[SecureCookieSessionInterface, Kolben, Request]

    def _open(self) -> None:
        interface, app, request = self._source
        serializer = interface.get_signing_serializer(app)
        data = None if serializer is None else interface._verified(serializer, app, request)
        attributes = self.__dict__
        del attributes["_source"]
        preset = attributes.copy()
        attributes.clear()
        self.__class__ = interface.session_class  # type: ignore[assignment]  # it has the same layout
        self.__init__(data)  # type: ignore[misc]  # the session's own from here on
        attributes.update(preset)
        attributes["accessed"] = True


def _opening(name: str) -> Callable[..., t.Any]:
    def method(self: UnopenedSession, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if isinstance(self, UnopenedSession):
            self._open()
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = name
    return method


_BLIND = {
    "__new__",
    "__init__",
    "__class_getitem__",
    "__doc__",
    "__getattribute__",
    "__hash__",
    "__sizeof__",
    "fromkeys",
}

for _name in {*vars(dict), "__reduce_ex__"} - _BLIND:
    setattr(UnopenedSession, _name, _opening(_name))


@lru_cache(maxsize=32)
def _unopened_class(session_class: type[SecureCookieSession]) -> type[UnopenedSession]:
    return types.new_class(
        session_class.__name__, (UnopenedSession, session_class), exec_body=lambda body: body.update(__slots__=())
    )
