#!/bin/sh
# Makes the passwords that compose.yaml reads, in deploy/secrets, which git ignores. What is there already stays.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# Readable by all within a folder that is not: the users of the containers are others than yours.
keep() { [ -e "$folder/$1" ] || { printf '%s\n' "$2" > "$folder/$1" && chmod 444 "$folder/$1"; }; }

keep database_password "$(password)"
keep database_url "postgresql://oms:$(cat "$folder/database_password")@postgres:5432/oms"
keep broker_password "$(password)"
keep queue_url "amqp://oms:$(cat "$folder/broker_password")@rabbitmq:5672/"
keep rabbitmq_conf "default_user = oms
default_pass = $(cat "$folder/broker_password")"
keep grafana_password "$(password)"
