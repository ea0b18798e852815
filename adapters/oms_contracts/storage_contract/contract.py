"""The whole contract, and what an adapter's test module has to provide for it."""

from __future__ import annotations

from functools import partial

import pytest

from oms_contracts.storage_contract.accepting import AcceptingPromises
from oms_contracts.storage_contract.allocating import AllocationPromises
from oms_contracts.storage_contract.api_key_races import ApiKeyRacePromises
from oms_contracts.storage_contract.api_keys import ApiKeyPromises
from oms_contracts.storage_contract.archiving import ArchivePromises, ArchiveRacePromises, LostArchiveCommitPromises
from oms_contracts.storage_contract.auditing import AuditPromises
from oms_contracts.storage_contract.change_races import ChangeRacePromises, LostChangeCommitPromises
from oms_contracts.storage_contract.changing import ChangePromises
from oms_contracts.storage_contract.confirming import ConfirmPromises, ExtensionPromises
from oms_contracts.storage_contract.count_bounds import CountBoundPromises
from oms_contracts.storage_contract.deleting import DeletionPromises
from oms_contracts.storage_contract.failing import FailingPromises
from oms_contracts.storage_contract.finding_orders import OrderFindingPromises
from oms_contracts.storage_contract.followed_shipments import FollowedShipmentPromises, ShipmentKeyPromises
from oms_contracts.storage_contract.hold_races import HoldRacePromises
from oms_contracts.storage_contract.holding import ExpiryPromises, HoldPromises, SettledHoldPromises
from oms_contracts.storage_contract.hooks import PASSWORD, StockEvent, StorageHooks
from oms_contracts.storage_contract.idempotency_keys import OrderKeyPromises
from oms_contracts.storage_contract.import_creations import ImportCreationPromises
from oms_contracts.storage_contract.import_races import ImportRacePromises
from oms_contracts.storage_contract.importing import ImportKeyPromises, ImportPromises
from oms_contracts.storage_contract.injected_races import InjectedRacePromises
from oms_contracts.storage_contract.keyed_changes import KeyedChangePromises, KeyedChangeRacePromises
from oms_contracts.storage_contract.lifecycle import LifecyclePromises
from oms_contracts.storage_contract.listing_stock import StockListingPromises
from oms_contracts.storage_contract.locating import (
    KeptBackPromises,
    LocationPromises,
    LocationRacePromises,
    LostLocationCommitPromises,
)
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.lost_api_key_commits import LostApiKeyCommitPromises
from oms_contracts.storage_contract.lost_hold_commits import LostHoldCommitPromises
from oms_contracts.storage_contract.lost_order_commits import LostOrderCommitPromises
from oms_contracts.storage_contract.lost_queue_commits import LostQueueCommitPromises
from oms_contracts.storage_contract.lost_shipment_commits import LostShipmentCommitPromises
from oms_contracts.storage_contract.lost_stock_commits import LostStockCommitPromises
from oms_contracts.storage_contract.moving import OrderMovePromises
from oms_contracts.storage_contract.moving_many import (
    BulkMovePromises,
    BulkMoveRacePromises,
    LostBulkMoveCommitPromises,
)
from oms_contracts.storage_contract.order_races import OrderRacePromises
from oms_contracts.storage_contract.outbox import LeasePromises, OutboxPromises
from oms_contracts.storage_contract.placing import PlacingPromises
from oms_contracts.storage_contract.queue_races import QueueRacePromises
from oms_contracts.storage_contract.return_races import LostReturnCommitPromises, ReturnRacePromises
from oms_contracts.storage_contract.returning import ReturnPromises
from oms_contracts.storage_contract.served_from import ServedFromPromises
from oms_contracts.storage_contract.settling import SettlingPromises
from oms_contracts.storage_contract.settling_bounds import SettlingBoundPromises
from oms_contracts.storage_contract.shipment_races import ShipmentRacePromises
from oms_contracts.storage_contract.shipping import ShipmentPromises
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_contracts.storage_contract.stock_changes import StockChangePromises
from oms_contracts.storage_contract.stock_events import StockEventPromises
from oms_contracts.storage_contract.stock_races import StockRacePromises
from oms_contracts.storage_contract.sweeping import SweepingPromises
from oms_contracts.storage_contract.transferring import (
    LostTransferCommitPromises,
    TransferPromises,
    TransferRacePromises,
)
from oms_contracts.storage_contract.values import ValuePromises
from oms_contracts.storage_contract.workers import WorkerPromises
from oms_core.ports.storage import Storage

__all__ = ["PASSWORD", "StockEvent", "StorageContract"]


class StorageContract(
    PlacingPromises,
    OrderKeyPromises,
    ValuePromises,
    CountBoundPromises,
    OrderMovePromises,
    BulkMovePromises,
    OrderFindingPromises,
    AllocationPromises,
    ShipmentPromises,
    FollowedShipmentPromises,
    ShipmentKeyPromises,
    ReturnPromises,
    ChangePromises,
    ServedFromPromises,
    StockChangePromises,
    TransferPromises,
    LocationPromises,
    KeptBackPromises,
    StockListingPromises,
    StockEventPromises,
    ImportPromises,
    ImportCreationPromises,
    ImportKeyPromises,
    AcceptingPromises,
    SettlingPromises,
    SettlingBoundPromises,
    SweepingPromises,
    FailingPromises,
    HoldPromises,
    ExpiryPromises,
    SettledHoldPromises,
    ConfirmPromises,
    ExtensionPromises,
    KeyedChangePromises,
    WorkerPromises,
    LeasePromises,
    OutboxPromises,
    AuditPromises,
    ArchivePromises,
    ApiKeyPromises,
    LifecyclePromises,
    OrderRacePromises,
    StockRacePromises,
    ImportRacePromises,
    QueueRacePromises,
    HoldRacePromises,
    BulkMoveRacePromises,
    ShipmentRacePromises,
    ReturnRacePromises,
    ChangeRacePromises,
    TransferRacePromises,
    LocationRacePromises,
    KeyedChangeRacePromises,
    ApiKeyRacePromises,
    ArchiveRacePromises,
    InjectedRacePromises,
    DeletionPromises,
    LostOrderCommitPromises,
    LostBulkMoveCommitPromises,
    LostShipmentCommitPromises,
    LostReturnCommitPromises,
    LostChangeCommitPromises,
    LostTransferCommitPromises,
    LostLocationCommitPromises,
    LostStockCommitPromises,
    LostQueueCommitPromises,
    LostHoldCommitPromises,
    LostApiKeyCommitPromises,
    LostArchiveCommitPromises,
    StorageHooks,
):
    """Every promise of `oms_core.ports.storage`; each part of the port is a class of its own among the parents.

    A test class inherits this, is named `Test...`, provides the fixtures `storage` (an empty storage, opened
    with PASSWORD where its URL takes a password, closed afterwards) and `publishing_storage` (the same, or another
    empty one, opened with StorageOptions.keeps_outbox), and overrides the methods of StorageHooks. Where two storages
    can be open on one database, it also overrides the fixture `rival_storage`. `lossy_storage` is a storage on that
    database whose COMMITs can be lost; where there is no answer to lose, the fixture skips, and says why.
    """

    @pytest.fixture
    def storage(self) -> Storage:
        """An empty storage; yours closes it afterwards."""
        raise NotImplementedError("the test class of an adapter provides the fixture `storage`")

    @pytest.fixture
    def publishing_storage(self) -> Storage:
        """An empty storage that was opened with StorageOptions.keeps_outbox; yours closes it afterwards."""
        raise NotImplementedError("the test class of an adapter provides the fixture `publishing_storage`")

    @pytest.fixture
    def rival_storage(self, storage: Storage) -> Storage:
        """A second storage on the same database; the same one, where there can be no second."""
        return storage

    @pytest.fixture
    def lossy_storage(self, storage: Storage) -> Storage:
        """The storage on which `lose_next_commit` works."""
        return storage

    @pytest.fixture
    def lossy_shop(self, lossy_storage: Storage, rival_storage: Storage) -> LossyShop:
        """A storage that loses the answer to a COMMIT while a rival acts."""
        return LossyShop(
            ours=new_shop(lossy_storage),
            rival=new_shop(rival_storage, seed=1),
            lose_next_commit=partial(self.lose_next_commit, lossy_storage),
        )

    @pytest.fixture
    def shop(self, storage: Storage) -> Shop:
        """The storage in use."""
        return new_shop(storage)

    @pytest.fixture
    def publishing_shop(self, publishing_storage: Storage) -> Shop:
        """A storage that keeps events for publishing."""
        return new_shop(publishing_storage)

    @pytest.fixture
    def rival_shop(self, rival_storage: Storage) -> Shop:
        """The same database in other hands."""
        return new_shop(rival_storage, seed=1)
