from __future__ import annotations

import copy
import hashlib
import logging
import typing as t
from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

from kolben import Kolben, request, session
from kolben.config import Config
from kolben.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
    UnopenedSession,
    session_json_serializer,
)
from kolben.testing import KolbenClient


class StubApp:
    def __init__(self, **config: t.Any) -> None:
        self.debug = False
        self.logger = logging.getLogger("tests.sessions")
        self.config = Config(
            "",
            {
                "SECRET_KEY": "now",
                "SECRET_KEY_FALLBACKS": None,
                "SESSION_COOKIE_NAME": "session",
                "SESSION_COOKIE_DOMAIN": None,
                "SESSION_COOKIE_PATH": None,
                "SESSION_COOKIE_HTTPONLY": True,
                "SESSION_COOKIE_SECURE": None,
                "SESSION_COOKIE_SAMESITE": "Lax",
                "SESSION_COOKIE_PARTITIONED": False,
                "SESSION_REFRESH_EACH_REQUEST": True,
                "APPLICATION_ROOT": "/",
                "MAX_COOKIE_SIZE": 4093,
                **config,
            },
        )
        self.permanent_session_lifetime = timedelta(days=31)

    @property
    def secret_key(self) -> str | bytes | None:
        return t.cast("str | bytes | None", self.config["SECRET_KEY"])


class StubRequest:
    def __init__(self, **cookies: str) -> None:
        self._cookies = cookies
        self.reads = 0

    @property
    def cookies(self) -> dict[str, str]:
        self.reads += 1
        return self._cookies


class CountingInterface(SecureCookieSessionInterface):
    """Counts how often a cookie is verified."""

    verified = 0

    def _verified(self, serializer: t.Any, app: t.Any, request: t.Any) -> t.Any:
        self.verified += 1
        return super()._verified(serializer, app, request)


def make_app(**config: t.Any) -> t.Any:
    return StubApp(**config)


def signed(data: dict[str, t.Any], key: str = "now") -> str:
    """A cookie as Flask signs it."""
    serializer = URLSafeTimedSerializer(
        key,
        salt="cookie-session",
        serializer=session_json_serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )
    return serializer.dumps(data)


def opened(app: t.Any, data: dict[str, t.Any] | None, key: str = "now") -> SecureCookieSession:
    request: t.Any = StubRequest() if data is None else StubRequest(session=signed(data, key))
    session = SecureCookieSessionInterface().open_session(app, request)
    assert session is not None
    return session


def unopened(data: dict[str, t.Any] | None, app: t.Any = None) -> tuple[CountingInterface, t.Any]:
    interface = CountingInterface()
    request: t.Any = StubRequest() if data is None else StubRequest(session=signed(data))
    return interface, interface.lazy_session(app or make_app(), request)


def saved(app: t.Any, session: SessionMixin) -> Response:
    response = Response()
    SecureCookieSessionInterface().save_session(app, session, response)
    return response


def cookie_of(response: Response) -> dict[str, str]:
    """The attributes of the one cookie that the response sets, in lower case; its value stands under "session"."""
    (header,) = response.headers.getlist("Set-Cookie")
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name.lower(): value for name, _, value in pairs}


class TestSecureCookieSession:
    def test_changes_are_noticed(self) -> None:
        session = SecureCookieSession({"a": 1})
        assert not session.modified
        session["b"] = 2
        assert session.modified
        assert isinstance(session, CallbackDict)

    def test_permanent_is_kept_in_the_session(self) -> None:
        session = SecureCookieSession()
        assert session.permanent is False
        session.permanent = True
        assert session == {"_permanent": True}

    def test_mixin_for_sessions_that_cannot_tell(self) -> None:
        class Session(dict[str, t.Any], SessionMixin):
            pass

        session = Session()
        assert (session.new, session.modified, session.accessed) == (False, True, False)


class TestNullSession:
    def test_can_be_read(self) -> None:
        session = SessionInterface().make_null_session(make_app())
        assert session.get("a") is None
        assert "a" not in session
        assert SessionInterface().is_null_session(session)
        assert not SessionInterface().is_null_session(SecureCookieSession())

    @pytest.mark.parametrize(
        "change",
        [
            lambda session: session.__setitem__("a", 1),
            lambda session: session.__delitem__("a"),
            lambda session: session.__ior__({"a": 1}),
            lambda session: session.clear(),
            lambda session: session.pop("a", None),
            lambda session: session.popitem(),
            lambda session: session.update(a=1),
            lambda session: session.setdefault("a", 1),
            lambda session: setattr(session, "permanent", True),
        ],
    )
    def test_change_says_what_is_missing_and_how_to_get_it(self, change: t.Callable[[NullSession], None]) -> None:
        with pytest.raises(RuntimeError, match=r"(?s)no secret key was set.*token_hex.*KOLBEN_SECRET_KEY") as caught:
            change(NullSession())
        assert "Set the secret_key on the application to something unique and secret." in str(caught.value)


class TestOpening:
    def test_cookie_that_flask_signed(self) -> None:
        session = opened(make_app(), {"user": 1, "cart": (1, 2)})
        assert session == {"user": 1, "cart": (1, 2)}
        assert not session.modified

    @pytest.mark.parametrize("value", ["", "x", ".", "..", "a.b.c", "\udcff", "é", "=" * 100])
    def test_cookie_that_is_none_gives_an_empty_session(self, value: str) -> None:
        request: t.Any = StubRequest(session=value)
        assert SecureCookieSessionInterface().open_session(make_app(), request) == {}

    def test_forged_cookie_gives_an_empty_session(self) -> None:
        assert opened(make_app(), {"user": 1}, key="somebody else's") == {}

    def test_signed_cookie_that_is_not_readable_gives_an_empty_session(self) -> None:
        class Broken:
            def dumps(self, value: t.Any) -> str:
                return "{"

        serializer: t.Any = URLSafeTimedSerializer(
            "now",
            salt="cookie-session",
            serializer=Broken(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )
        request: t.Any = StubRequest(session=serializer.dumps({}))
        assert SecureCookieSessionInterface().open_session(make_app(), request) == {}

    def test_cookie_that_is_too_old_gives_an_empty_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app = make_app()
        request: t.Any = StubRequest(session=signed({"user": 1}))
        app.permanent_session_lifetime = timedelta(seconds=-1)
        assert SecureCookieSessionInterface().open_session(app, request) == {}

    @pytest.mark.parametrize("method", ["open_session", "lazy_session"])
    def test_no_secret_key_no_session(self, method: str) -> None:
        assert getattr(SecureCookieSessionInterface(), method)(make_app(SECRET_KEY=None), StubRequest()) is None


class TestKeys:
    def test_s27_the_current_key_alone_signs(self) -> None:
        app = make_app(SECRET_KEY_FALLBACKS=["old", "older"])
        cookie = cookie_of(saved(app, changed({"a": 1})))["session"]
        request: t.Any = StubRequest(session=cookie)
        interface = SecureCookieSessionInterface()
        assert interface.open_session(make_app(), request) == {"a": 1}
        for key in ("old", "older"):
            assert interface.open_session(make_app(SECRET_KEY=key), request) == {}

    @pytest.mark.parametrize("key", ["now", "old", "older"])
    def test_s27_every_fallback_verifies(self, key: str) -> None:
        app = make_app(SECRET_KEY_FALLBACKS=["old", "older"])
        assert opened(app, {"a": 1}, key=key) == {"a": 1}

    def test_s27_the_current_key_is_tried_first(self) -> None:
        derived: list[t.Any] = []
        serializer = SecureCookieSessionInterface().get_signing_serializer(
            make_app(SECRET_KEY_FALLBACKS=["old", "older"])
        )
        assert serializer is not None
        signer: t.Any = serializer.make_signer()
        derive_key = signer.derive_key

        def recording(secret_key: t.Any = None) -> t.Any:
            derived.append(secret_key)
            return derive_key(secret_key)

        signer.derive_key = recording
        assert not signer.verify_signature(b"value", b"d3Jvbmc")
        assert derived == [b"now", b"older", b"old"]

    def test_serializer_is_made_once_for_the_same_keys(self) -> None:
        interface = SecureCookieSessionInterface()
        app = make_app(SECRET_KEY_FALLBACKS=["old"])
        first = interface.get_signing_serializer(app)
        assert interface.get_signing_serializer(app) is first
        app.config["SECRET_KEY"] = "next"
        second = interface.get_signing_serializer(app)
        assert second is not first
        app.config["SECRET_KEY_FALLBACKS"] = ["now", "old"]
        assert interface.get_signing_serializer(app) is not second

    def test_own_salt_and_digest(self) -> None:
        class Interface(SecureCookieSessionInterface):
            salt = "other"
            digest_method = staticmethod(hashlib.sha256)

        app = make_app()
        response = Response()
        Interface().save_session(app, changed({"a": 1}), response)
        request: t.Any = StubRequest(session=cookie_of(response)["session"])
        assert Interface().open_session(app, request) == {"a": 1}
        assert SecureCookieSessionInterface().open_session(app, request) == {}


def changed(data: dict[str, t.Any]) -> SecureCookieSession:
    session = SecureCookieSession(data)
    session.modified = True
    return session


class TestSaving:
    def test_cookie_of_a_changed_session(self) -> None:
        response = saved(make_app(), changed({"a": 1}))
        cookie = cookie_of(response)
        assert opened(make_app(), None) == {}
        assert set(cookie) == {"session", "httponly", "path", "samesite"}
        assert (cookie["path"], cookie["samesite"]) == ("/", "Lax")
        assert response.headers["Vary"] == "Cookie"

    def test_all_attributes(self) -> None:
        app = make_app(
            SESSION_COOKIE_NAME="sid",
            SESSION_COOKIE_DOMAIN="example.com",
            SESSION_COOKIE_PATH="/app",
            SESSION_COOKIE_HTTPONLY=False,
            SESSION_COOKIE_SECURE=True,
            SESSION_COOKIE_SAMESITE="None",
            SESSION_COOKIE_PARTITIONED=True,
        )
        cookie = cookie_of(saved(app, changed({"a": 1})))
        assert set(cookie) == {"sid", "domain", "path", "secure", "samesite", "partitioned"}
        assert (cookie["domain"], cookie["path"], cookie["samesite"]) == ("example.com", "/app", "None")

    def test_path_falls_back_to_the_application_root(self) -> None:
        assert cookie_of(saved(make_app(APPLICATION_ROOT="/foo"), changed({"a": 1})))["path"] == "/foo"

    def test_emptied_session_deletes_the_cookie_where_it_was_set(self) -> None:
        app = make_app(SESSION_COOKIE_DOMAIN="example.com", SESSION_COOKIE_SECURE=True, SESSION_COOKIE_PARTITIONED=True)
        session = opened(app, {"a": 1})
        session.clear()
        response = saved(app, session)
        cookie = cookie_of(response)
        assert (cookie["session"], cookie["max-age"], cookie["domain"]) == ("", "0", "example.com")
        assert {"secure", "httponly", "partitioned"} <= set(cookie)
        assert response.headers["Vary"] == "Cookie"

    def test_unchanged_session_sets_nothing(self) -> None:
        for unchanged in (opened(make_app(), {"a": 1}), opened(make_app(), None)):
            response = saved(make_app(), unchanged)
            assert "Set-Cookie" not in response.headers
            assert "Vary" not in response.headers

    def test_s26_accessed_session_varies_by_cookie(self) -> None:
        session = opened(make_app(), {"a": 1})
        session.accessed = True
        response = saved(make_app(), session)
        assert response.headers["Vary"] == "Cookie"
        assert "Set-Cookie" not in response.headers

    def test_s26_permanent_session_is_refreshed_and_varies_by_cookie(self) -> None:
        response = saved(make_app(), opened(make_app(), {"a": 1, "_permanent": True}))
        assert "expires" in cookie_of(response)
        assert response.headers["Vary"] == "Cookie"
        quiet = saved(make_app(SESSION_REFRESH_EACH_REQUEST=False), opened(make_app(), {"a": 1, "_permanent": True}))
        assert "Set-Cookie" not in quiet.headers

    def test_session_without_a_key_to_sign_it(self) -> None:
        with pytest.raises(RuntimeError, match="no secret key was set"):
            saved(make_app(SECRET_KEY=""), changed({"a": 1}))


class TestSize:
    def noise(self, size: int) -> str:
        """Text that does not compress."""
        return "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(size // 64))

    def test_error_in_debug_mode_names_the_keys(self) -> None:
        app = make_app()
        app.debug = True
        session = changed({"small": 1, "cart": self.noise(12_000)})
        with pytest.raises(RuntimeError, match=r"'session' is too large.*4093.*'cart' \(\d{5} bytes\), 'small'"):
            saved(app, session)

    def test_warning_in_production(self, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.warns(UserWarning, match="too large"):  # Werkzeug's own
            response = saved(make_app(), changed({"cart": self.noise(12_000)}))
        (record,) = caplog.records
        assert record.levelname == "WARNING"
        assert "'cart'" in record.getMessage()
        assert "Set-Cookie" in response.headers

    def test_large_text_that_compresses_is_no_error(self) -> None:
        app = make_app()
        app.debug = True
        assert "Set-Cookie" in saved(app, changed({"cart": "x" * 12_000})).headers

    def test_limit_can_be_lifted(self, caplog: pytest.LogCaptureFixture) -> None:
        app = make_app(MAX_COOKIE_SIZE=0)
        app.debug = True
        response = Response()
        response.max_cookie_size = 0
        SecureCookieSessionInterface().save_session(app, changed({"cart": self.noise(12_000)}), response)
        assert "Set-Cookie" in response.headers
        assert caplog.records == []


TOUCHES: list[t.Callable[[t.Any], t.Any]] = [
    lambda s: "a" in s,
    lambda s: len(s),
    lambda s: bool(s),
    lambda s: list(s),
    lambda s: list(reversed(s)),
    lambda s: s == {"a": 1},
    lambda s: s != {"a": 1},
    lambda s: s == {"a": 1},
    lambda s: s["a"],
    lambda s: s.get("a"),
    lambda s: s.keys(),
    lambda s: list(s.values()),
    lambda s: s.items(),
    lambda s: s.copy(),
    lambda s: copy.copy(s),
    lambda s: copy.deepcopy(s),
    lambda s: repr(s),
    lambda s: str(s),
    lambda s: f"{s}",
    lambda s: dict(s),
    lambda s: dict(**s),
    lambda s: {**s},
    lambda s: s | {"b": 2},
    lambda s: {"b": 2} | s,
    lambda s: s.permanent,
    lambda s: s.setdefault("a", 2),
    lambda s: s.pop("a"),
    lambda s: s.popitem(),
    lambda s: s.update(b=2),
    lambda s: s.__ior__({"b": 2}),
    lambda s: s.__setitem__("b", 2),
    lambda s: s.__delitem__("a"),
    lambda s: s.clear(),
    lambda s: setattr(s, "permanent", True),
]


class TestLazySession:
    def test_is_a_session_and_reads_nothing(self) -> None:
        interface = CountingInterface()
        request: t.Any = StubRequest(session=signed({"a": 1}))
        session = interface.lazy_session(make_app(), request)
        assert isinstance(session, SecureCookieSession)
        assert isinstance(session, dict)
        assert (session.modified, session.accessed, session.new) == (False, False, False)
        assert (interface.verified, request.reads) == (0, 0)

    @pytest.mark.parametrize("touch", TOUCHES)
    def test_s26_every_kind_of_touch_opens_it_once_and_is_access(self, touch: t.Callable[[t.Any], t.Any]) -> None:
        interface, session = unopened({"a": 1})
        expected = SecureCookieSession({"a": 1})
        assert touch(session) == touch(expected)
        assert session.accessed
        assert session.modified == expected.modified
        assert dict(session) == dict(expected)
        assert interface.verified == 1

    def test_no_method_of_a_dict_is_forgotten(self) -> None:
        harmless = {"__getattribute__", "__init__", "__new__", "__doc__", "__hash__", "__sizeof__", "__class_getitem__"}
        for name in set(vars(dict)) - harmless - {"fromkeys"}:
            assert name in vars(UnopenedSession), name

    def test_is_what_it_would_have_been_once_opened(self) -> None:
        _, session = unopened({"a": 1})
        assert type(session) is not SecureCookieSession
        assert session["a"] == 1
        assert type(session) is SecureCookieSession
        session["b"] = 2
        assert session.modified
        with pytest.raises(TypeError, match="unhashable"):
            hash(unopened({"a": 1})[1])

    def test_method_that_was_taken_before_still_works(self) -> None:
        _, session = unopened({"a": 1})
        get = session.get
        assert session["a"] == 1
        session["a"] = 2
        assert get("a") == 2

    def test_session_class_of_a_subclass(self) -> None:
        class Session(SecureCookieSession):
            def __init__(self, initial: t.Any = None) -> None:
                super().__init__(initial)
                self.created_with = initial

            def shout(self, key: str) -> str:
                return str(self[key]).upper()

        class Interface(SecureCookieSessionInterface):
            session_class = Session

        request: t.Any = StubRequest(session=signed({"a": "x"}))
        session: t.Any = Interface().lazy_session(make_app(), request)
        session.modified = True
        assert session.shout("a") == "X"
        assert type(session) is Session
        assert session.created_with == {"a": "x"}
        assert session.modified

    def test_interface_with_its_own_way_to_open_is_asked_at_once(self) -> None:
        class Opens(SecureCookieSessionInterface):
            def open_session(self, app: t.Any, request: t.Any) -> SecureCookieSession:
                return SecureCookieSession({"own": 1})

        class Signs(SecureCookieSessionInterface):
            def get_signing_serializer(self, app: t.Any) -> None:
                return None

        request: t.Any = StubRequest()
        assert Opens().lazy_session(make_app(), request) == {"own": 1}
        assert Signs().lazy_session(make_app(), request) is None


class TestSavingUntouched:
    def test_untouched_session_sets_nothing_and_is_not_verified(self) -> None:
        interface, session = unopened({"user": 1})
        response = Response()
        interface.save_session(make_app(), session, response)
        assert interface.verified == 0
        assert "Set-Cookie" not in response.headers
        assert "Vary" not in response.headers

    def test_untouched_permanent_session_is_refreshed(self) -> None:
        for data in ({"a": 1, "_permanent": True}, {"a": "x" * 1000, "_permanent": True}):
            interface, session = unopened(data)
            response = Response()
            interface.save_session(make_app(), session, response)
            cookie = cookie_of(response)
            assert "expires" in cookie
            assert response.headers["Vary"] == "Cookie"
            request: t.Any = StubRequest(session=cookie["session"])
            assert interface.open_session(make_app(), request) == data

    def test_untouched_permanent_session_stays_closed_without_refresh(self) -> None:
        app = make_app(SESSION_REFRESH_EACH_REQUEST=False)
        interface, session = unopened({"a": 1, "_permanent": True}, app)
        response = Response()
        interface.save_session(app, session, response)
        assert interface.verified == 0
        assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize("cookie", ["!!!", "x.y.z", ".eJw.x.y", "é.b", ""])
    def test_untouched_cookie_that_is_none_is_left_alone(self, cookie: str) -> None:
        interface = SecureCookieSessionInterface()
        request: t.Any = StubRequest(session=cookie)
        session = interface.lazy_session(make_app(), request)
        assert session is not None
        response = Response()
        interface.save_session(make_app(), session, response)
        assert "Set-Cookie" not in response.headers

    def test_marking_it_modified_is_enough_to_save_it(self) -> None:
        interface, session = unopened({"a": 1})
        session.modified = True
        response = Response()
        interface.save_session(make_app(), session, response)
        assert "session" in cookie_of(response)

    def test_own_serializer_is_asked_whether_it_is_permanent(self) -> None:
        class Reversing:
            def dumps(self, value: t.Any) -> str:
                return session_json_serializer.dumps(value)[::-1]

            def loads(self, text: t.Any) -> t.Any:
                return session_json_serializer.loads(text[::-1])

        class Interface(SecureCookieSessionInterface):
            serializer = Reversing()

        app = make_app()
        response = Response()
        Interface().save_session(app, changed({"a": 1, "_permanent": True}), response)
        request: t.Any = StubRequest(session=parse_cookie(response.headers["Set-Cookie"])["session"])
        session: t.Any = Interface().lazy_session(app, request)
        response = Response()
        Interface().save_session(app, session, response)
        assert "expires" in cookie_of(response)


class TestThroughRequests:
    def test_session_lasts_from_request_to_request(
        self, app: Kolben, client: KolbenClient, view_kind: t.Callable[[t.Any], t.Any]
    ) -> None:
        @app.post("/")
        @view_kind
        def count() -> str:
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        assert [client.post("/").text for _ in range(3)] == ["1", "2", "3"]

    @pytest.mark.parametrize("touch", [touch for touch in TOUCHES if touch(SecureCookieSession({"a": 1})) is not None])
    def test_s26_every_kind_of_access_varies_by_cookie(
        self, app: Kolben, client: KolbenClient, touch: t.Callable[[t.Any], t.Any]
    ) -> None:
        @app.get("/touch")
        def touching() -> str:
            touch(session)
            return ""

        @app.get("/leave")
        def leaving() -> str:
            return ""

        with client.session_transaction() as stored:
            stored["a"] = 1
        left = client.get("/leave")
        assert "Vary" not in left.headers
        assert left.text == ""
        touched = client.get("/touch")
        assert touched.headers["Vary"] == "Cookie"
        assert touched.text == ""

    def test_s26_untouched_permanent_session_is_refreshed(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> str:
            return ""

        with client.session_transaction() as stored:
            stored["a"] = 1
            stored.permanent = True
        response = client.get("/")
        assert response.text == ""
        assert "expires" in cookie_of(response)
        assert response.headers["Vary"] == "Cookie"
        app.config["SESSION_REFRESH_EACH_REQUEST"] = False
        response = client.get("/")
        assert response.text == ""
        assert "Set-Cookie" not in response.headers

    def test_s27_rotated_keys(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> str:
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        answers = [client.get("/").text]
        app.config.update(SECRET_KEY="next", SECRET_KEY_FALLBACKS=["test key"])
        answers.append(client.get("/").text)
        app.config.update(SECRET_KEY="third", SECRET_KEY_FALLBACKS=["other", "next"])
        answers.append(client.get("/").text)
        app.config.update(SECRET_KEY="third", SECRET_KEY_FALLBACKS=None)
        answers.append(client.get("/").text)
        app.config.update(SECRET_KEY="fourth")
        answers.append(client.get("/").text)
        assert answers == ["1", "2", "3", "4", "1"]

    def test_cookie_is_safe_by_default(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> str:
            session["a"] = 1
            return ""

        for scheme, attributes in {
            "http": {"session", "path", "httponly", "samesite"},
            "https": {"session", "path", "httponly", "samesite", "secure"},
        }.items():
            response = client.get("/", base_url=f"{scheme}://localhost")
            assert response.text == ""
            assert set(cookie_of(response)) == attributes

    def test_missing_key_names_the_fix(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/read")
        def read() -> str:
            return str(session.get("a"))

        @app.get("/write")
        def write() -> str:
            session["a"] = 1
            return ""

        app.secret_key = None
        assert client.get("/read").text == "None"
        with pytest.raises(RuntimeError, match="no secret key was set"):
            client.get("/write")

    def test_forged_and_broken_cookies_are_an_empty_session(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> str:
            return str(dict(session))

        for cookie in ("forged", signed({"a": 1}, "other key"), '"', "\xe9", "a=b", ".eJw"):
            response = client.get("/", headers={"Cookie": f"session={cookie}"})
            assert (response.status_code, response.text) == (200, "{}")


def test_interface_leaves_opening_and_saving_to_its_subclass() -> None:
    interface = SessionInterface()
    nothing: t.Any = None
    with pytest.raises(NotImplementedError):
        interface.open_session(make_app(), nothing)
    with pytest.raises(NotImplementedError):
        interface.save_session(make_app(), SecureCookieSession(), Response())


def test_keys_of_an_interface_are_asked_for_before_the_url_is_matched(app: Kolben, client: KolbenClient) -> None:
    endpoints: list[str | None] = []

    class Interface(SecureCookieSessionInterface):
        def get_signing_serializer(self, app: t.Any) -> t.Any:
            endpoints.append(request.endpoint)
            return super().get_signing_serializer(app)

    app.session_interface = Interface()
    app.add_url_rule("/", "index", lambda: "text")
    client.set_cookie("session", "forged")
    for _ in range(3):
        client.get("/")
    assert endpoints == [None] * 3
