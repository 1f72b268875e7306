"""An application whose views fail, below a debugger."""

from __future__ import annotations

import asyncio
import os
import typing as t

from kolben import Kolben, g
from kolben.debug import Debugger

shop = Kolben(__name__)
shop.debug = True


async def price(product: str) -> int:
    await asyncio.sleep(0)
    return {"apple": 3}[product]


@shop.get("/sync/<product>")
def sync_view(product: str) -> t.NoReturn:
    g.customer = "Ada"
    basket = [product, "pear"]
    raise ValueError(f"<script>document.title = 'pwned'</script> {basket}")


@shop.get("/async/<product>")
async def async_view(product: str) -> t.NoReturn:
    basket = [product, await price(product)]
    raise LookupError(basket)


app = Debugger(shop, secret=os.environ["SECRET_OF_THE_TEST"])
