"""Reports of imports as JSON documents."""

from __future__ import annotations

from oms_core.domain.import_commands import (
    ActImportReport,
    OrderImportReport,
    ReturnImportReport,
    ShipmentImportReport,
    StockImportReport,
)
from oms_core.domain.transfer_imports import TransferImportReport


def show_stock_import(report: StockImportReport) -> dict[str, object]:
    """Return the report of an import of stock as JSON."""
    return {
        "rows": report.rows,
        "applied": report.applied,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "replayed": report.replayed,
        "blank": report.blank,
        "created": report.created,
        "created_skus": list(report.created_skus),
        "new_locations": list(report.new_locations),
        "seconds": round(report.seconds, 3),
    }


def show_order_import(report: OrderImportReport) -> dict[str, object]:
    """Return the report of an import of orders as JSON."""
    return {
        "orders": report.orders,
        "placed": report.placed,
        "replayed": report.replayed,
        "refused": report.refused,
        "blank": report.blank,
        "seconds": round(report.seconds, 3),
    }


def show_shipment_import(report: ShipmentImportReport) -> dict[str, object]:
    """Return the report of an import of shipments as JSON."""
    return {"shipments": report.shipments, **_acts(report)}


def show_return_import(report: ReturnImportReport) -> dict[str, object]:
    """Return the report of an import of returns as JSON."""
    return {"returns": report.returns, **_acts(report)}


def show_transfer_import(report: TransferImportReport) -> dict[str, object]:
    """Return the report of an import of transfers as JSON."""
    return {"transfers": report.transfers, **_acts(report)}


def _acts(report: ActImportReport) -> dict[str, object]:
    return {
        "made": report.made,
        "replayed": report.replayed,
        "refused": report.refused,
        "blank": report.blank,
        "seconds": round(report.seconds, 3),
    }
