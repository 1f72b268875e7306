[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "%%distribution%%"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["kolben"]

[dependency-groups]
dev = ["pytest"]

[tool.hatch.build.targets.wheel]
packages = ["%%package%%"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
