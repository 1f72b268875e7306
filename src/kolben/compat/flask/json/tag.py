"""``flask.json.tag``: JSON that keeps the types of Python."""

from __future__ import annotations

import typing as t  # noqa: F401
from base64 import b64decode as b64decode
from base64 import b64encode as b64encode
from datetime import datetime as datetime
from uuid import UUID as UUID

from markupsafe import Markup as Markup
from werkzeug.http import http_date as http_date
from werkzeug.http import parse_date as parse_date

from kolben.json.tag import JSONTag as JSONTag
from kolben.json.tag import PassDict as PassDict
from kolben.json.tag import PassList as PassList
from kolben.json.tag import TagBytes as TagBytes
from kolben.json.tag import TagDateTime as TagDateTime
from kolben.json.tag import TagDict as TagDict
from kolben.json.tag import TaggedJSONSerializer as TaggedJSONSerializer
from kolben.json.tag import TagMarkup as TagMarkup
from kolben.json.tag import TagTuple as TagTuple
from kolben.json.tag import TagUUID as TagUUID

from ..json import dumps as dumps
from ..json import loads as loads
