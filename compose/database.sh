# Make the database at the first start, then serve it on its socket.
set -eu
[ -s "$PGDATA/PG_VERSION" ] || initdb --auth=trust --encoding=UTF8 --locale=C --username=postgres >/dev/null
exec postgres -c listen_addresses= -c unix_socket_directories=/run/postgresql
