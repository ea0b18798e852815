"""Lint the chart, render it with values from stdin and validate what comes out; run by the Python of .venv/tools.

stdin: {"chart": path, "values": {...}, "versions": ["1.30", ...]}; stdout: the resources as a JSON list, in order. A
finding is one line on stderr and exit status 1.
"""

from __future__ import annotations

import json
import sys

import helm_python
import kubernetes_validate
import yaml

_WARNING = 2
# No schema of Kubernetes's own: it is the Prometheus operator's.
_FOREIGN = {"PodMonitor"}


def main() -> None:
    """Do as the module says."""
    order = json.load(sys.stdin)
    found = helm_python.lint(order["chart"], order["values"], strict=True)
    for message in found["messages"]:
        if message["severity"] >= _WARNING:
            sys.exit(f"{message['path']}: {message['error']}")
    with helm_python.Chart.load(order["chart"]) as chart:
        chart.validate_schema(order["values"])
        files = chart.render(order["values"], name="shop", namespace="orders", is_install=True)
    texts = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    resources = [resource for text in texts for resource in yaml.safe_load_all(text) if resource]
    for resource in resources:
        for version in order["versions"]:
            if resource["kind"] not in _FOREIGN:
                kubernetes_validate.validate(resource, version, strict=True)
    json.dump(resources, sys.stdout)


if __name__ == "__main__":
    main()
