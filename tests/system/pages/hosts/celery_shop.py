"""The page's Celery task, run at once instead of by a worker: twice for one cart, and for more than there is."""

from __future__ import annotations

from tasks import app, oms, place_cart

from oms_core import ALL_SCOPES, Caller, OmsError, SetStock

app.conf.task_always_eager = True
clerk = Caller(name="clerk", scopes=ALL_SCOPES)
oms.stock.set(SetStock(sku="WIDGET", on_hand=25), caller=clerk)
first, second = (place_cart.delay(1, "C1", {"WIDGET": 2}).get() for _ in range(2))
print(first == second, oms.stock.get("WIDGET", caller=clerk).available)
try:
    place_cart.delay(2, "C1", {"WIDGET": 100}).get()
except OmsError as error:
    print(error.code)
oms.close()
