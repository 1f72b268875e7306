from __future__ import annotations

import json
import pathlib
import typing as t
import weakref

import pytest

from kolben.config import Config, ConfigAttribute

TEST_KEY = "from the object"
lower_case = "ignored"


@pytest.fixture
def config(tmp_path: pathlib.Path) -> Config:
    return Config(tmp_path, {"TESTING": False})


class TestFilling:
    def test_from_object_takes_upper_case_names(self, config: Config) -> None:
        class Settings:
            SECRET_KEY = "x"
            lower = 1

        config.from_object(Settings)
        assert config == {"TESTING": False, "SECRET_KEY": "x"}

    def test_from_object_imports_a_name(self, config: Config) -> None:
        config.from_object(__name__)
        assert config["TEST_KEY"] == "from the object"
        assert "lower_case" not in config

    def test_from_object_that_is_not_there(self, config: Config) -> None:
        with pytest.raises(ImportError):
            config.from_object("no_such_module")

    def test_from_mapping(self, config: Config) -> None:
        assert config.from_mapping({"A": 1, "b": 2}, C=3, d=4)
        assert config.from_mapping(None)
        assert config == {"TESTING": False, "A": 1, "C": 3}

    def test_from_pyfile(self, config: Config, tmp_path: pathlib.Path) -> None:
        (tmp_path / "settings.py").write_text("# é\nA = 'é'\nFILE = __file__\nb = 2\n", "utf-8")
        assert config.from_pyfile("settings.py")
        assert config["A"] == "é"
        assert config["FILE"] == str(tmp_path / "settings.py")
        assert "b" not in config

    def test_from_pyfile_with_another_encoding(self, config: Config, tmp_path: pathlib.Path) -> None:
        (tmp_path / "settings.py").write_bytes("# -*- coding: latin-1 -*-\nA = 'é'\n".encode("latin-1"))
        assert config.from_pyfile("settings.py")
        assert config["A"] == "é"

    def test_error_inside_of_a_pyfile_is_its_own(self, config: Config, tmp_path: pathlib.Path) -> None:
        (tmp_path / "settings.py").write_text("open('no such file')")
        with pytest.raises(FileNotFoundError) as caught:
            config.from_pyfile("settings.py", silent=True)
        assert caught.value.filename == "no such file"

    @pytest.mark.parametrize("method", ["from_pyfile", "from_file"])
    def test_file_that_is_not_there(self, config: Config, method: str) -> None:
        arguments = {} if method == "from_pyfile" else {"load": json.load}
        load = getattr(config, method)
        with pytest.raises(OSError, match="Unable to load configuration file") as caught:
            load("missing.cfg", **arguments)
        assert caught.value.filename.endswith("missing.cfg")
        assert load("missing.cfg", silent=True, **arguments) is False
        with pytest.raises(IsADirectoryError):
            load("", **arguments)
        assert load("", silent=True, **arguments) is False

    def test_from_envvar(self, config: Config, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(RuntimeError, match="'APP_SETTINGS' is not set"):
            config.from_envvar("APP_SETTINGS")
        assert config.from_envvar("APP_SETTINGS", silent=True) is False
        (tmp_path / "settings.py").write_text("A = 1")
        monkeypatch.setenv("APP_SETTINGS", "settings.py")
        assert config.from_envvar("APP_SETTINGS")
        assert config["A"] == 1

    def test_from_file(self, config: Config, tmp_path: pathlib.Path) -> None:
        tomllib = pytest.importorskip("tomllib")
        (tmp_path / "config.json").write_text('{"A": 1, "b": 2}')
        (tmp_path / "config.toml").write_text("B = [1, 2]")
        assert config.from_file("config.json", load=json.load)
        assert config.from_file(tmp_path / "config.toml", load=tomllib.load, text=False)
        assert config == {"TESTING": False, "A": 1, "B": [1, 2]}


class TestFromPrefixedEnv:
    @pytest.fixture(autouse=True)
    def clean_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.environ", {})

    def test_values_are_read_as_json_or_kept(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {"A": "1", "B": "text", "C": "[1, null]", "D": "true", "lower": "2"}.items():
            monkeypatch.setenv(f"X_{name}", value)
        assert config.from_prefixed_env("X")
        assert config == {"TESTING": False, "A": 1, "B": "text", "C": [1, None], "D": True, "lower": 2}

    def test_own_loader(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("X_A", "1")
        config.from_prefixed_env("X", loads=lambda text: f"<{text}>")
        assert config["A"] == "<1>"

    def test_flask_and_then_kolben_unless_told(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLASK_A", "1")
        monkeypatch.setenv("FLASK_B", "1")
        monkeypatch.setenv("KOLBEN_B", "2")
        monkeypatch.setenv("OTHER_A", "3")
        config.from_prefixed_env()
        assert config == {"TESTING": False, "A": 1, "B": 2}

    def test_nested_values(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        config["EXISTS"] = {"keep": 1, "flag": {"a": 1}}
        config["LIST"] = {}
        for name, value in {"EXISTS__new": "2", "EXISTS__flag__b": "3", "NEW__deep__er": "4"}.items():
            monkeypatch.setenv(f"X_{name}", value)
        config.from_prefixed_env("X")
        assert config["EXISTS"] == {"keep": 1, "new": 2, "flag": {"a": 1, "b": 3}}
        assert config["NEW"] == {"deep": {"er": 4}}


def test_get_namespace(config: Config) -> None:
    config.update(FOO_A=1, FOO_B_C=2, BAR=3)
    assert config.get_namespace("FOO_") == {"a": 1, "b_c": 2}
    assert config.get_namespace("FOO_", lowercase=False) == {"A": 1, "B_C": 2}
    assert config.get_namespace("FOO_", trim_namespace=False) == {"foo_a": 1, "foo_b_c": 2}


def test_repr_says_that_it_is_a_configuration(config: Config) -> None:
    assert repr(config) == "<Config {'TESTING': False}>"


class TestOnChange:
    @pytest.fixture
    def changes(self, config: Config) -> list[Config]:
        seen: list[Config] = []
        config._on_change = lambda: seen.append(Config("", dict(config)))
        return seen

    @pytest.mark.parametrize(
        ("change", "after"),
        [
            (lambda config: config.__setitem__("A", 1), {"TESTING": False, "A": 1}),
            (lambda config: config.__delitem__("TESTING"), {}),
            (lambda config: config.update({"A": 1}), {"TESTING": False, "A": 1}),
            (lambda config: config.update(A=1), {"TESTING": False, "A": 1}),
            (lambda config: config.__ior__({"A": 1}), {"TESTING": False, "A": 1}),
            (lambda config: config.setdefault("A", 1), {"TESTING": False, "A": 1}),
            (lambda config: config.pop("TESTING"), {}),
            (lambda config: config.pop("B", None), {"TESTING": False}),
            (lambda config: config.popitem(), {}),
            (lambda config: config.clear(), {}),
            (lambda config: config.from_mapping(A=1), {"TESTING": False, "A": 1}),
        ],
    )
    def test_every_change_is_announced(
        self, config: Config, changes: list[Config], change: t.Callable[[Config], t.Any], after: dict[str, t.Any]
    ) -> None:
        change(config)
        assert changes[-1] == config == after

    def test_nested_change_from_the_environment_is_announced(
        self, config: Config, changes: list[Config], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config["MAIL"] = {}
        monkeypatch.setenv("X_MAIL__PORT", "25")
        config.from_prefixed_env("X")
        assert changes[-1]["MAIL"] == {"PORT": 25}

    def test_reading_is_not(self, config: Config, changes: list[Config]) -> None:
        assert config["TESTING"] is False
        assert config.get("A") is None
        assert list(config) == ["TESTING"]
        assert changes == []

    def test_method_is_held_weakly(self, config: Config) -> None:
        class App:
            def drop_plans(self) -> None:
                dropped.append(True)

        dropped: list[bool] = []
        app = App()
        config._on_change = app.drop_plans
        config["A"] = 1
        assert dropped == [True]
        ended = weakref.ref(app)
        del app
        assert ended() is None
        config["A"] = 2
        config._on_change = None
        config["A"] = 3
        assert dropped == [True]

    def test_in_place_union_keeps_the_object(self, config: Config) -> None:
        same = config
        same |= {"A": 1}
        assert same is config
        assert config.pop("A") == 1


class TestConfigAttribute:
    class App:
        testing: ConfigAttribute[bool] = ConfigAttribute("TESTING")
        limit: ConfigAttribute[int] = ConfigAttribute("LIMIT", get_converter=int)

        def __init__(self) -> None:
            self.config = Config("", {"TESTING": False, "LIMIT": "5"})

    def test_reads_and_writes_the_setting(self) -> None:
        app: t.Any = self.App()
        assert app.testing is False
        app.testing = True
        assert app.config["TESTING"] is True

    def test_converts_what_it_reads(self) -> None:
        app: t.Any = self.App()
        assert app.limit == 5
        app.limit = "6"
        assert app.config["LIMIT"] == "6"
        assert app.limit == 6

    def test_on_the_class_it_is_itself(self) -> None:
        assert isinstance(self.App.testing, ConfigAttribute)
