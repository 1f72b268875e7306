# %%title%%

Run it, with reloading and a debugger, on http://127.0.0.1:5000/:

    kolben run --debug

Test it:

    pip install pytest
    python -m pytest

| where | what |
|---|---|
| `app.py` | what the `kolben` command and servers import |
| `%%package%%/__init__.py` | the application factory, `create_app()` |
| `%%package%%/pages.py` | a blueprint: the views of the pages |
| `%%package%%/templates`, `%%package%%/static` | what the pages are made of |
| `%%package%%/config.py` | settings, the same everywhere |
| `instance/config.py` | settings of this machine: the secret key. Not for version control |
| `tests` | the tests |

## In production

An environment variable with the prefix `KOLBEN_` overrides a setting. The one that must be given is the secret key, a
long random text that signs the sessions of visitors and is known to nobody else. Make it once on each machine, or once
for all machines of one site; with a new key at each start, visitors would be logged out each time:

    python -c 'import secrets; print("KOLBEN_SECRET_KEY=" + secrets.token_hex(32))' > .env

The `kolben` command reads `.env`, from this folder or above, if python-dotenv is installed
(`pip install "kolben[dotenv]"`); systemd does by `EnvironmentFile=`, a container by `--env-file`. It is not for version
control.

`kolben check` reports what would be unsafe or broken; it exits with 1 if anything is, so it can guard a deployment.
