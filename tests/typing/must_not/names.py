"""Names that are not there, options that are not known."""

from kolben import Kolbn  # E: attr-defined
from kolben import Blueprint, Kolben, redirect

app = Kolben()  # E: call-arg
named = Kolben(__name__, template_path="templates")  # E: call-arg
Blueprint("bp")  # E: call-arg
named.register_blueprint("bp")  # E: arg-type
named.before_requests  # E: attr-defined
redirect(302, "/")  # E: arg-type
Kolbn
