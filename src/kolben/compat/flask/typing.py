"""``flask.typing``: names for what views, hooks and handlers take and return."""

from __future__ import annotations

import collections.abc as cabc  # noqa: F401
import typing as t  # noqa: F401

from kolben.typing import AfterRequestCallable as AfterRequestCallable
from kolben.typing import AppOrBlueprintKey as AppOrBlueprintKey
from kolben.typing import BeforeFirstRequestCallable as BeforeFirstRequestCallable
from kolben.typing import BeforeRequestCallable as BeforeRequestCallable
from kolben.typing import ErrorHandlerCallable as ErrorHandlerCallable
from kolben.typing import HeadersValue as HeadersValue
from kolben.typing import HeaderValue as HeaderValue
from kolben.typing import ResponseClass as ResponseClass
from kolben.typing import ResponseReturnValue as ResponseReturnValue
from kolben.typing import ResponseValue as ResponseValue
from kolben.typing import RouteCallable as RouteCallable
from kolben.typing import ShellContextProcessorCallable as ShellContextProcessorCallable
from kolben.typing import TeardownCallable as TeardownCallable
from kolben.typing import TemplateContextProcessorCallable as TemplateContextProcessorCallable
from kolben.typing import TemplateFilterCallable as TemplateFilterCallable
from kolben.typing import TemplateGlobalCallable as TemplateGlobalCallable
from kolben.typing import TemplateTestCallable as TemplateTestCallable
from kolben.typing import URLDefaultCallable as URLDefaultCallable
from kolben.typing import URLValuePreprocessorCallable as URLValuePreprocessorCallable
