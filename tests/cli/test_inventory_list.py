"""Listing stock by what matters, and new locations."""

from __future__ import annotations

from oms_core import OrderLine
from tests.cli.conftest import Cli


def test_a_list_of_low_stock_shows_the_threshold(cli: Cli) -> None:
    cli.stock("A", 3, low_stock_threshold=5)
    cli.stock("B", 9, low_stock_threshold=5)
    titles, row = cli("inventory", "list", "--low-stock").out.splitlines()
    assert "LOW STOCK THRESHOLD" in titles
    assert row.split()[:5] == ["A", "3", "0", "3", "5"]
    assert "LOW STOCK" not in cli("inventory", "list").out


def test_products_are_sorted_by_a_figure(cli: Cli) -> None:
    for sku, on_hand in (("A", 5), ("B", 1), ("C", 9), ("D", 5)):
        cli.stock(sku, on_hand, name=sku.lower())
    cli.place(OrderLine(sku="C", quantity=9))

    def skus(*options: str) -> str:
        return "".join(product["sku"] for product in cli("inventory", "list", "-o", "json", *options).json)

    assert skus("--sort", "available") == "CBAD"
    assert skus("--sort", "-on_hand") == "CADB"
    assert skus("--sort", "-name", "--limit", "2") == "DC"
    assert cli("inventory", "list", "--sort", "colour").code == 2
    assert cli("inventory", "list", "--sort", "sku", "--all").code == 2


def test_a_location_that_is_new_to_a_product_is_said_to_be(cli: Cli) -> None:
    cli.stock("WIDGET", 10)
    for command in (("set", "WIDGET", "5", "--location", "south"), ("receive", "WIDGET", "1", "--location", "nrth")):
        assert cli("inventory", *command).out.endswith(", new location\n")
        assert "new location" not in cli("inventory", *command).out
