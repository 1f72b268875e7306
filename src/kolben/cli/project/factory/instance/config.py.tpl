"""The settings of this machine. They override those of ``%%package%%/config.py``; keep them out of version control."""

# Signs the sessions of visitors. Whoever knows it can forge them.
SECRET_KEY = "%%secret%%"
