"""Every deliberate error of the system: one class, one table of codes that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypeGuard, overload

from oms_core.error_types import (
    BelowShipped,
    Code,
    ExceedsReserved,
    ExceedsShipped,
    ExtensionLimit,
    InsufficientInventory,
    InvalidTransition,
    LocationRequired,
    NotShippable,
    OrderArchived,
    OutcomeUnknown,
    RateLimited,
    ReturnLimit,
    ShipmentLimit,
    ShipmentReturned,
    StockBelowReserved,
    StockCountMismatch,
    StockLimit,
    VersionMismatch,
)


class ErrorKind(StrEnum):
    """The sort of an error; each driver has one table from kind to its own signal."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    BUG = "bug"


class Retry(StrEnum):
    """What the caller may do next: nothing, repeat as is, repeat after a change, or look the outcome up."""

    NEVER = "never"
    SAME_KEY = "same_key"
    AFTER_CHANGE = "after_change"
    LOOK_UP = "look_up"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the error table: `title` names the case in a few words, `explanation` says what to do about it.

    If `tells_of_the_system`, the detail of an error may name hosts, files and settings. It is then shown only to those
    who run the system; all others see `public_detail` instead.
    """

    code: Code
    kind: ErrorKind
    retry: Retry
    title: str
    explanation: str
    tells_of_the_system: bool = False


_TABLE = (
    ErrorCode(
        "validation_error",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The input is not valid",
        "Each entry of `errors` points at one value and says what is wrong with it. Nothing was changed.",
    ),
    ErrorCode(
        "malformed_json",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The body is not JSON",
        "The body must be one JSON document in UTF-8, without duplicate keys, NaN or lone surrogates.",
    ),
    ErrorCode(
        "payload_too_large",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The body is too large",
        "Send less in one request, or several requests.",
    ),
    ErrorCode(
        "uri_too_long",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The URL is too long",
        "Path and query together may have 8,192 bytes. Ask for less in one request.",
    ),
    ErrorCode(
        "unsupported_media_type",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The content type is not supported",
        "Name the documented media type in the Content-Type header.",
    ),
    ErrorCode(
        "request_timeout",
        ErrorKind.INVALID,
        Retry.SAME_KEY,
        "The request did not arrive in time",
        "The body was not received before the deadline. Nothing was changed; send the request again.",
    ),
    ErrorCode(
        "method_not_allowed",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The method is not allowed here",
        "The Allow header lists the methods of this route.",
    ),
    ErrorCode(
        "unknown_sku",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The order names a SKU that does not exist",
        "Create the product first (PUT /v1/inventory/{sku}), or correct the SKU. SKUs are case-sensitive.",
    ),
    ErrorCode(
        "total_too_large",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The order's total is too large",
        "The total must stay below 922337203685477.5808 in the order's currency.",
    ),
    ErrorCode(
        "idempotency_key_reused",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "The idempotency key was used for something else",
        "The key belongs to another command. Use a new key for a new command.",
    ),
    ErrorCode(
        "unauthenticated",
        ErrorKind.UNAUTHENTICATED,
        Retry.AFTER_CHANGE,
        "The caller is not known",
        "Send a valid API key: `Authorization: Bearer oms_...`. An administrator makes one with `oms keys create`.",
    ),
    ErrorCode(
        "forbidden",
        ErrorKind.FORBIDDEN,
        Retry.AFTER_CHANGE,
        "The caller may not do this",
        "The caller lacks the scope that this needs (`scope` names it), or is bound to a customer and asks for more.",
    ),
    ErrorCode(
        "order_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such order",
        "No order with this id is visible to the caller.",
    ),
    ErrorCode(
        "order_archived",
        ErrorKind.GONE,
        Retry.NEVER,
        "The order has left for the archive",
        "The key belongs to an order that was finished and archived (`order_id` names it). What was done once is not "
        "done again.",
    ),
    ErrorCode(
        "shipment_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such shipment",
        "The order has no shipment of this number; GET /v1/orders/{id}/shipments lists those it has.",
    ),
    ErrorCode(
        "return_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such return",
        "The order has no return of this number; GET /v1/orders/{id}/returns lists those it has.",
    ),
    ErrorCode(
        "sku_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such product",
        "No product has this SKU. SKUs are case-sensitive.",
    ),
    ErrorCode(
        "key_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such key",
        "No API key has this name. Names are case-sensitive.",
    ),
    ErrorCode(
        "location_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such location",
        "No location has this name; GET /v1/locations lists them. Names are case-sensitive.",
    ),
    ErrorCode(
        "route_not_found",
        ErrorKind.NOT_FOUND,
        Retry.NEVER,
        "There is no such route",
        "The routes are listed in /openapi.json and /docs.",
    ),
    ErrorCode(
        "insufficient_inventory",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "There is not enough stock",
        "`shortages` gives what was requested and what is available, per SKU. Nothing was reserved.",
    ),
    ErrorCode(
        "invalid_transition",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "The order cannot move to this status",
        "`current` is the order's status, `allowed` lists the moves that this caller may make.",
    ),
    ErrorCode(
        "not_settled",
        ErrorKind.CONFLICT,
        Retry.SAME_KEY,
        "The order waits to be placed",
        "It is not known yet whether its stock is there. Confirm it once it is held, or ask again a little later.",
    ),
    ErrorCode(
        "hold_expired",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The hold has run out",
        "The stock of the order was released. Place a new order, or queue this one again (POST .../retry).",
    ),
    ErrorCode(
        "already_confirmed",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The order has another payment reference",
        "It was confirmed with another payment before. Look at the order, and give one of the payments back.",
    ),
    ErrorCode(
        "payment_reference_in_use",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The payment belongs to another order",
        "A payment reference confirms one order for good.",
    ),
    ErrorCode(
        "extension_limit",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The hold cannot be extended further",
        "`extensions` counts how often it was, `extensions_max` how often it may be; it ends at `hold_until`.",
    ),
    ErrorCode(
        "location_required",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "A location has to be named",
        "`locations` are those that may be meant: a shipment leaves one of them, and units in quarantine lie at one.",
    ),
    ErrorCode(
        "not_shippable",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "The units lie where nothing ships",
        "`lines` gives where. Let the location ship (PUT /v1/locations/{location}), or ship what lies elsewhere.",
    ),
    ErrorCode(
        "exceeds_reserved",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "More than the order has reserved there",
        "`lines` gives, for each line, what was to be shipped and what is reserved at `location`. Nothing was shipped.",
    ),
    ErrorCode(
        "shipment_cancelled",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The shipment was cancelled",
        "Its units are reserved again. Make a new shipment.",
    ),
    ErrorCode(
        "shipment_delivered",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The shipment was delivered",
        "It can neither be taken back nor be on its way again.",
    ),
    ErrorCode(
        "shipment_returned",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "Units of the shipment have come back",
        "Without it, fewer units of `lines` would be shipped than were returned.",
    ),
    ErrorCode(
        "exceeds_shipped",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "More than is still out",
        "`lines` gives, for each line, what was to come back, what was shipped, and what has come back before.",
    ),
    ErrorCode(
        "below_shipped",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "Less than has shipped",
        "`lines` gives, for each line, the quantity that was asked for and what has shipped. No line was changed.",
    ),
    ErrorCode(
        "empty_order",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "No line would have a unit left",
        "Cancel the order instead, or leave a unit in one of its lines.",
    ),
    ErrorCode(
        "return_limit",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The order has too many returns",
        "An order has `returns_max` at most.",
    ),
    ErrorCode(
        "shipment_limit",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The order has too many shipments",
        "An order has `shipments_max` at most, cancelled ones included.",
    ),
    ErrorCode(
        "version_mismatch",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "It has changed meanwhile",
        "Read the order or product again, decide again, and send its present ETag as If-Match.",
    ),
    ErrorCode(
        "product_in_use",
        ErrorKind.CONFLICT,
        Retry.NEVER,
        "The product has been used",
        "Its stock has moved, or an order names it, and both stay. Set its count to 0 instead of deleting it.",
    ),
    ErrorCode(
        "stock_below_reserved",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "Open orders hold more than would be left",
        "`reserved` units are promised; GET /v1/orders?sku=...&status=held,pending,processing,partly_shipped lists who "
        "holds them.",
    ),
    ErrorCode(
        "stock_count_mismatch",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "The count has changed meanwhile",
        "`on_hand` is the present count, `expected_on_hand` the one the caller expected.",
    ),
    ErrorCode(
        "stock_limit",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "The count would be too large",
        "Units would come back to `location`, where `on_hand` of `sku` may be `on_hand_max` at most.",
    ),
    ErrorCode(
        "key_name_taken",
        ErrorKind.CONFLICT,
        Retry.AFTER_CHANGE,
        "The name belongs to another key",
        "A name is given once and stands in the ledger for good. Choose another, or rotate the key of this name.",
    ),
    ErrorCode(
        "idempotency_key_in_use",
        ErrorKind.CONFLICT,
        Retry.SAME_KEY,
        "The first request with this key is still running",
        "Send the same request with the same key again a little later.",
    ),
    ErrorCode(
        "rate_limited",
        ErrorKind.LIMITED,
        Retry.SAME_KEY,
        "Too many requests",
        "Wait for the seconds in Retry-After, then send the same request again.",
    ),
    ErrorCode(
        "concurrency_limited",
        ErrorKind.LIMITED,
        Retry.SAME_KEY,
        "Too many requests at once",
        "The caller has as many requests under way as it may. Send fewer side by side; wait for the seconds in "
        "Retry-After, then send the same request again.",
    ),
    ErrorCode(
        "overloaded",
        ErrorKind.UNAVAILABLE,
        Retry.SAME_KEY,
        "The service is at its limit",
        "Nothing was changed. Wait for the seconds in Retry-After, then send the same request again.",
    ),
    ErrorCode(
        "stopping",
        ErrorKind.UNAVAILABLE,
        Retry.SAME_KEY,
        "This process is stopping",
        "It still answers what reaches it. Send new requests to another process: this one takes none in a moment.",
    ),
    ErrorCode(
        "storage_unavailable",
        ErrorKind.UNAVAILABLE,
        Retry.SAME_KEY,
        "The database is away or busy",
        "Nothing was changed. Wait for the seconds in Retry-After, then send the same request again.",
        tells_of_the_system=True,
    ),
    ErrorCode(
        "storage_unusable",
        ErrorKind.UNAVAILABLE,
        Retry.AFTER_CHANGE,
        "The database cannot be used as it is",
        "Nothing was changed. Whoever runs the service has to mend it; its log says what is wrong and what helps.",
        tells_of_the_system=True,
    ),
    ErrorCode(
        "queue_unavailable",
        ErrorKind.UNAVAILABLE,
        Retry.SAME_KEY,
        "The broker is away or blocked",
        "Accepted orders are safe in the database, where workers find them. Only messages cannot be sent or read.",
        tells_of_the_system=True,
    ),
    ErrorCode(
        "outcome_unknown",
        ErrorKind.UNAVAILABLE,
        Retry.LOOK_UP,
        "The outcome is not known",
        "The database was lost while committing. Look the ids up, or repeat with the same idempotency key.",
    ),
    ErrorCode(
        "schema_outdated",
        ErrorKind.UNAVAILABLE,
        Retry.AFTER_CHANGE,
        "The database schema does not fit this release",
        "Run `oms db upgrade`.",
        tells_of_the_system=True,
    ),
    ErrorCode(
        "invalid_setting",
        ErrorKind.INVALID,
        Retry.AFTER_CHANGE,
        "A setting is wrong",
        "The detail names the setting. `oms config show` prints what is in force.",
        tells_of_the_system=True,
    ),
    ErrorCode(
        "internal_error",
        ErrorKind.BUG,
        Retry.SAME_KEY,
        "A defect in the service",
        "The log holds the details under the request id. Please report it.",
    ),
)

ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType({row.code: row for row in _TABLE})


def is_code(text: str) -> TypeGuard[Code]:
    """Return whether a text is the code of an error."""
    return text in ERROR_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong value: `pointer` is a JSON Pointer (RFC 6901) into the input, `code` a stable snake_case word."""

    pointer: str
    code: str
    detail: str


class OmsError(Exception):
    """A deliberate error: `code` is a key of ERROR_CODES, `data` holds the figures of the case, ready for JSON.

    `further` is a sentence that the detail ends with, and that everybody may read.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        data: Mapping[str, object] | None = None,
        retry_after_seconds: int | None = None,
        further: str | None = None,
    ) -> None:
        super().__init__(code, detail)  # Both in args, so that the error survives pickling.
        self.row = ERROR_CODES[code]
        self.detail = detail if further is None else f"{detail}; {further}"
        self._further = further
        self.errors = tuple(errors)
        self.data: Mapping[str, Any] = data or {}
        self.retry_after_seconds = retry_after_seconds

    @property
    def code(self) -> Code:
        """The snake_case code that never changes."""
        return self.row.code

    @overload
    def figures(self, code: Literal["insufficient_inventory"]) -> InsufficientInventory | None: ...
    @overload
    def figures(self, code: Literal["invalid_transition"]) -> InvalidTransition | None: ...
    @overload
    def figures(self, code: Literal["version_mismatch"]) -> VersionMismatch | None: ...
    @overload
    def figures(self, code: Literal["order_archived"]) -> OrderArchived | None: ...
    @overload
    def figures(self, code: Literal["extension_limit"]) -> ExtensionLimit | None: ...
    @overload
    def figures(self, code: Literal["location_required"]) -> LocationRequired | None: ...
    @overload
    def figures(self, code: Literal["not_shippable"]) -> NotShippable | None: ...
    @overload
    def figures(self, code: Literal["exceeds_reserved"]) -> ExceedsReserved | None: ...
    @overload
    def figures(self, code: Literal["exceeds_shipped"]) -> ExceedsShipped | None: ...
    @overload
    def figures(self, code: Literal["below_shipped"]) -> BelowShipped | None: ...
    @overload
    def figures(self, code: Literal["return_limit"]) -> ReturnLimit | None: ...
    @overload
    def figures(self, code: Literal["shipment_returned"]) -> ShipmentReturned | None: ...
    @overload
    def figures(self, code: Literal["shipment_limit"]) -> ShipmentLimit | None: ...
    @overload
    def figures(self, code: Literal["stock_limit"]) -> StockLimit | None: ...
    @overload
    def figures(self, code: Literal["stock_below_reserved"]) -> StockBelowReserved | None: ...
    @overload
    def figures(self, code: Literal["stock_count_mismatch"]) -> StockCountMismatch | None: ...
    @overload
    def figures(self, code: Literal["rate_limited"]) -> RateLimited | None: ...
    @overload
    def figures(self, code: Literal["outcome_unknown"]) -> OutcomeUnknown | None: ...

    def figures(self, code: Code) -> Any:
        """Return `data` in the type that this code's errors have, or None if the error has another code."""
        return self.data if self.code == code else None

    @property
    def public_detail(self) -> str:
        """The detail that everybody may see: it names no hosts, files or settings."""
        if not self.row.tells_of_the_system:
            return self.detail
        title = f"{self.row.title[0].lower()}{self.row.title[1:]}"
        return title if self._further is None else f"{title}; {self._further}"

    @property
    def kind(self) -> ErrorKind:
        """The sort of the error; drivers translate by it."""
        return self.row.kind

    @property
    def defect(self) -> OmsError | None:
        """The error itself if it is a defect, whose traceback belongs in a log; None for all others."""
        return self if self.kind is ErrorKind.BUG else None

    @property
    def retry(self) -> Retry:
        """What the caller may do next."""
        return self.row.retry

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"
