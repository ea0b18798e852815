"""What the processes of `oms serve` and `oms worker` run."""
