__pycache__/
.pytest_cache/
.venv/
.env
dist/
instance/
