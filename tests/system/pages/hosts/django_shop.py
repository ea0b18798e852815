"""A Django project around the page's checkout.py: a cart that is checked out becomes one order, also twice."""

from __future__ import annotations

import types
from decimal import Decimal

import django
from django.conf import settings
from django.db import connection, models, transaction

from oms_core import ALL_SCOPES, Caller, SetStock

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()


class Cart(models.Model):
    """A cart; its items stand in for rows of their own."""

    customer_id = models.IntegerField()
    status = models.TextField(default="open")
    order_id = models.UUIDField(null=True)

    class Meta:
        """It belongs to no installed application."""

        app_label = "shop"

    @property
    def items(self) -> types.SimpleNamespace:
        """Give what is in the cart."""
        item = types.SimpleNamespace(sku="WIDGET", quantity=2, price=Decimal("12.50"))
        return types.SimpleNamespace(all=lambda: [item])


def main() -> None:
    """Check one cart out twice, and one in a transaction that is rolled back."""
    from checkout import check_out, oms

    clerk = Caller(name="clerk", scopes=ALL_SCOPES)
    oms.stock.set(SetStock(sku="WIDGET", on_hand=25), caller=clerk)
    with connection.schema_editor() as editor:
        editor.create_model(Cart)
    cart = Cart.objects.create(customer_id=1)
    for _ in range(2):
        with transaction.atomic():
            check_out(cart)
    with transaction.atomic():
        check_out(Cart.objects.create(customer_id=2))
        transaction.set_rollback(True)
    product = oms.stock.get("WIDGET", caller=clerk)
    print(Cart.objects.get().order_id == cart.order_id, product.reserved, product.available)
    oms.close()


main()
