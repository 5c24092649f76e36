# Sourced by the other scripts: Debian's PostgreSQL, a throw-away cluster that ends with the script.
# shellcheck shell=bash
start_postgres() { # sets KURA_TEST_POSTGRES
    install_packages postgresql postgresql-client
    local programs
    programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
    postgres_folder=$(mktemp -d /tmp/kura-postgres.XXXXXX)
    # The server refuses to run as root; Debian's package made a user for it.
    postgres_as=()
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$postgres_folder"
        postgres_as=(runuser -u postgres --)
    fi
    postgres_ctl=$programs/pg_ctl
    trap stop_postgres EXIT
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (
        cd "$postgres_folder"
        "${postgres_as[@]}" "$programs/initdb" -D "$postgres_folder/data" -U kura -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
        # What is written here need not outlive the machine.
        "${postgres_as[@]}" "$postgres_ctl" -D "$postgres_folder/data" -l "$postgres_folder/log" -w -s \
            -o "-p $port -k $postgres_folder -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=300 -c max_wal_size=2GB" start
    )
    KURA_TEST_POSTGRES="postgres://kura@127.0.0.1:$port/postgres"
}

stop_postgres() {
    cd /
    "${postgres_as[@]}" "$postgres_ctl" -D "$postgres_folder/data" -m immediate -s stop || true
    rm -rf "$postgres_folder"
}
