#!/bin/sh
# Asks the openDCIM connector about one element, and waits for the answer.
#
#     CONNECTOR_TOKEN=... sh external_request.sh http://localhost:8080 1001 15
#
# Instead of the token, curl takes a user of the server: --user name
set -eu
server=$1 dma=$2 element=$3
id="$(date +%s)-$$"

connector() { curl --silent --show-error --header "Authorization: Bearer ${CONNECTOR_TOKEN:-}" "$@"; }

connector --json "{\"Id\": \"$id\", \"Elements\": [{\"DmaId\": $dma, \"ElementId\": $element}]}" \
    "$server/external-requests"
while answer=$(connector "$server/external-requests/$id") && echo "$answer" | grep -q '"Status":"Pending"'; do
    sleep 1
done
echo "$answer"
