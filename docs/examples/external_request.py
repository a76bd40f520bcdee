"""Asks the openDCIM connector which devices are behind elements, and where those are.

    python external_request.py http://localhost:8080 1001/15 1001/16

How to sign in stands in the environment: CONNECTOR_TOKEN, or CONNECTOR_USER and
CONNECTOR_PASSWORD; a connector that serves its own machine only wants neither. Needs httpx.
"""

import json
import os
import sys
import time
import uuid

import httpx


def main() -> int:
    server, *elements = sys.argv[1:]
    request = {
        "Id": str(uuid.uuid4()),  # with the same id it may be sent again: it is one request
        "Elements": elements,
        "Include": ["Device", "Cabinet", "Row", "DataCenter"],
        "TimeoutSeconds": 60,
    }
    with httpx.Client(base_url=server, headers=_token(), auth=_user()) as client:
        answer = client.post("/external-requests", json=request)
        while answer.json().get("Status") == "Pending":
            time.sleep(float(answer.headers.get("Retry-After", 1)))
            answer = client.get(f"/external-requests/{request['Id']}")
    row = answer.json()
    json.dump(row, sys.stdout, indent=2, ensure_ascii=False)
    return 0 if row.get("Status") == "Completed" else 1


def _token() -> dict[str, str]:
    token = os.environ.get("CONNECTOR_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _user() -> tuple[str, str] | None:
    user = os.environ.get("CONNECTOR_USER")
    return (user, os.environ.get("CONNECTOR_PASSWORD", "")) if user else None


if __name__ == "__main__":
    sys.exit(main())
