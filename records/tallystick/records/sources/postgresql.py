"""PostgreSQL: a table or a view, read by a role that may do nothing else. Needs the extra `postgresql` (psycopg).

- No SQL is configured: a table, a view, a materialized view, a partitioned or a foreign table is named, and our statements read it.
- One transaction reads: READ ONLY and REPEATABLE READ, so all rows are of one version though others write.
- A role that may write to the table is refused; whatever a view may call, the transaction cannot write.
- The password is read from a file that is closed to others; no variable of the environment and no file of libpq says who reads,
  where, or what is checked.
- TLS is checked: `verify-full` unless it says otherwise; without TLS the server must be this machine.
- Values become text on the server, in settings of ours: its ISO dates, UTC, every digit. Rows come by COPY, a few thousand at a time.

Security: of what the server says, errors hold at most the five characters of SQLSTATE, in `detail`: its texts quote values.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid, NotReady, TallyError
from tallystick.core.model import Document
from tallystick.core.net.libpq import CONNECT_SECONDS, build_parameters, is_this_machine
from tallystick.records.locked import Connection
from tallystick.records.port import Block, Kind
from tallystick.records.textblocks import text_blocks

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composable

Text63 = Annotated[str, StringConstraints(min_length=1, max_length=63)]
"""A name in PostgreSQL: at most 63 bytes."""

SILENCE_SECONDS: Final = 60
"""So long may the network be dead before the connection is given up."""
_SETTINGS: Final = (
    "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL TimeZone = 'UTC'", "SET LOCAL IntervalStyle = 'iso_8601'",
    "SET LOCAL extra_float_digits = 1", "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0",
    f"SET LOCAL lock_timeout = '{CONNECT_SECONDS}s'",
)  # fmt: skip
_RELATION: Final = (
    "SELECT c.oid, has_any_column_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') "
    "OR has_any_column_privilege(c.oid, 'INSERT, UPDATE') FROM pg_catalog.pg_class AS c "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'v', 'm', 'p', 'f')"
)
_COLUMNS: Final = (
    "SELECT a.attname, has_column_privilege(a.attrelid, a.attnum, 'SELECT') FROM pg_catalog.pg_attribute AS a "
    "WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_TYPES: Final = "SELECT t.oid, t.typname, t.typtype, t.typcategory FROM pg_catalog.pg_type AS t WHERE t.oid = ANY(%s)"
_KINDS: Final[Mapping[str, Kind]] = {
    "bool": "boolean", "int2": "integer", "int4": "integer", "int8": "integer", "oid": "integer", "numeric": "decimal", "money": "decimal",
    "float4": "float32", "float8": "float", "date": "date", "timestamp": "moment", "timestamptz": "zoned moment", "time": "text",
    "timetz": "text", "interval": "text", "uuid": "text",
}  # fmt: skip


class PostgresqlSettings(Document):
    """Settings of a PostgreSQL source.

    Attributes:
        host: the server's name or address, or the folder of its Unix socket.
        port: its port.
        database: the database.
        role: the role that reads; it may do nothing else to the table.
        password_file: a file with the role's password, closed to others; without one the server must know the role otherwise.
        schema_name: the table's schema; written `schema`.
        table: a table or a view.
        sslmode: what is checked of the server: its certificate and name, its certificate, or nothing on this machine.
        rootcert: the certificate of the authority that signed the server's; TLS needs it.
    """

    host: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\s,]+$")]
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    database: Text63
    role: Text63
    password_file: PathText | None = None
    schema_name: Annotated[Text63, Field(alias="schema")] = "public"
    table: Text63
    sslmode: Literal["verify-full", "verify-ca", "disable"] = "verify-full"
    rootcert: PathText | None = None

    @model_validator(mode="after")
    def _check_server(self) -> Self:
        if self.sslmode == "disable" and not is_this_machine(self.host):
            raise ValueError("sslmode is disable for a server on this machine alone: localhost, or the folder of its socket")
        if self.sslmode != "disable" and self.rootcert is None:
            raise ValueError("TLS needs rootcert, the certificate of the authority that signed the server's")
        return self


@dataclass(frozen=True)
class OpenedPostgresql:
    """A table whose columns were read, in the transaction that will read its rows."""

    dataset: str
    table: Composable
    columns: Mapping[str, Kind]
    hint: str
    money: frozenset[str]
    database: psycopg.Connection[Any] = field(repr=False)
    connection: Connection = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Read the rows in one COPY."""
        yield from text_blocks(self.connection, names, self._rows(names))

    def _rows(self, names: Sequence[str]) -> Iterator[Sequence[str | None]]:
        """Receive the rows as text.

        Raises:
            Invalid: `source-missing`, `source-role`. NotReady: `source-lost`.
        """
        import psycopg
        from psycopg import sql

        picked = sql.SQL(", ").join([self._as_text(name) for name in names] or [sql.SQL("NULL")])
        statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(picked, self.table)
        fault: TallyError | None = None
        try:
            with self.database.cursor() as cursor, cursor.copy(statement) as copy:
                for row in copy.rows():
                    yield row if names else ()
        except psycopg.Error as error:
            fault = _fault(self.dataset, error)
        if fault is not None:
            raise fault  # outside the handler: the server's text may quote a value

    def _as_text(self, name: str) -> Composable:
        """Write the expression that gives a column's text."""
        from psycopg import sql

        column = sql.Identifier(name)
        kind = self.columns[name]
        if name in self.money:
            return sql.SQL("{}::numeric::text").format(column)
        if kind not in {"moment", "zoned moment"}:
            return sql.SQL("{}::text").format(column)
        plain, zone = (column, "") if kind == "moment" else (sql.SQL("({} AT TIME ZONE 'UTC')").format(column), "+00")
        return sql.SQL(
            "CASE WHEN NOT isfinite({column}) THEN {column}::text WHEN {plain} = date_trunc('day', {plain}) THEN {plain}::date::text "
            "ELSE {plain}::text || {zone} END"
        ).format(column=column, plain=plain, zone=sql.Literal(zone))


class PostgresqlSource:
    """PostgreSQL databases."""

    settings = PostgresqlSettings
    short = ""
    paths = ("password_file", "rootcert")

    @contextmanager
    def open(
        self, dataset: str, settings: PostgresqlSettings, folder: Path, connection: Connection
    ) -> Iterator[OpenedPostgresql]:
        """Connect, begin the transaction, check the role and read the table's columns."""
        try:
            import psycopg
        except ImportError as error:
            raise Invalid(
                "source-missing",
                f"dataset {dataset}: this installation cannot read PostgreSQL",
                hint="its IT installs the extra: pip install 'tallystick[postgresql]'",
                detail=type(error).__name__,
            ) from None
        fault: TallyError | None = None
        try:
            database = psycopg.connect(**_parameters(settings, folder))
        except psycopg.Error as error:
            fault = _refusal(dataset, error)
        if fault is not None:
            raise fault
        with closing(database):
            try:
                found = _inspect_table(dataset, settings, database, connection)
            except psycopg.Error as error:
                fault = _fault(dataset, error)
            if fault is not None:
                raise fault
            yield found


SOURCE: Final = PostgresqlSource()


def _parameters(settings: PostgresqlSettings, folder: Path) -> dict[str, Any]:
    """Give all that the connection depends on.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`: of the file with the password.
    """
    made = build_parameters(
        host=settings.host,
        port=settings.port,
        database=settings.database,
        role=settings.role,
        password=None if settings.password_file is None else (folder / settings.password_file).absolute(),
        authentication="scram-sha-256,md5",
        sslmode=settings.sslmode,
        rootcert=None if settings.rootcert is None else (folder / settings.rootcert).absolute(),
        application="tallystick",
        silence=SILENCE_SECONDS,
    )
    return made | {"autocommit": False, "prepare_threshold": None}


def _inspect_table(
    dataset: str, settings: PostgresqlSettings, database: psycopg.Connection[Any], connection: Connection
) -> OpenedPostgresql:
    """Begin the transaction, check the role, and read the table's columns.

    Raises:
        Invalid: `source-missing`, `source-role`.
    """
    from psycopg import IsolationLevel, sql

    database.isolation_level = IsolationLevel.REPEATABLE_READ
    database.read_only = True
    for statement in _SETTINGS:
        database.execute(statement)
    found = database.execute(_RELATION, (settings.schema_name, settings.table)).fetchone()
    if found is None:
        raise Invalid(
            "source-missing",
            f"dataset {dataset}: the database has no such table or view",
            hint="its IT checks database, schema and table in the dataset's source",
            detail=f"{settings.schema_name}.{settings.table}",
        )
    relation, reads, writes = found
    if writes:
        raise Invalid(
            "source-role",
            f"dataset {dataset}: the role that reads the source may write to it",
            hint="its IT makes a role for Tallystick that has SELECT on the table and nothing else, and does not own it",
        )
    if not reads:
        raise _no_right(dataset)
    named = database.execute(_COLUMNS, (relation,)).fetchall()
    names = [name for name, readable in named if readable]
    table = sql.Identifier(settings.schema_name, settings.table)
    empty = database.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.SQL(", ").join(map(sql.Identifier, names)), table))
    # what comes back says of a domain which type it is of
    oids = [] if empty.description is None else [column.type_code for column in empty.description]
    types = {oid: rest for oid, *rest in database.execute(_TYPES, (oids,)).fetchall()}
    columns = {name: _kind(*types[oid]) for name, oid in zip(names, oids, strict=True)}
    money = frozenset(name for name, oid in zip(names, oids, strict=True) if types[oid][0] == "money")
    closed = len(named) - len(names)
    hint = f"the role may not read {closed} columns of the table" if closed else ""
    return OpenedPostgresql(dataset, table, columns, hint, money, database, connection)


def _kind(name: str, sort: str, category: str) -> Kind:
    if name in _KINDS:
        return _KINDS[name]
    # S: text of any kind; e: an enumeration; I: an address
    return "text" if category in {"S", "I"} or sort == "e" else "other"


def _no_right(dataset: str, detail: str = "") -> Invalid:
    return Invalid(
        "source-role",
        f"dataset {dataset}: the role may not read the source",
        hint="its IT grants it: GRANT USAGE ON SCHEMA, GRANT SELECT ON the table",
        detail=detail,
    )


def _refusal(dataset: str, error: psycopg.Error) -> TallyError:
    """Say why there is no connection."""
    text = str(error)
    if error.pgconn is not None and error.pgconn.used_password:
        return Invalid(
            "source-role",
            f"dataset {dataset}: the database does not let the role in",
            hint="its IT checks role, database and the file with the password",
        )
    about_tls = any(word in text for word in ("certificate", "SSL", "sslmode", "sslrootcert"))
    hint = "its IT checks host and port, and that it runs"
    if about_tls:
        hint = "its IT checks sslmode, rootcert and the server's certificate"
    if "definition of service" in text:
        hint = "its IT unsets PGSERVICE, which names a service that is not defined"
    return NotReady("source-lost", f"dataset {dataset}: the database cannot be reached", hint=hint, detail=type(error).__name__)


def _fault(dataset: str, error: psycopg.Error) -> TallyError:
    """Say what went wrong on a connection, without the server's own text."""
    import psycopg

    state = error.sqlstate or type(error).__name__
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return _no_right(dataset, state)
    # 08: connection; 57: an operator ended it; 53: resources; 40, 55: others were in the way
    if error.sqlstate is None or error.sqlstate[:2] in {"08", "40", "53", "55", "57"}:
        return NotReady(
            "source-lost", f"dataset {dataset}: the database broke off reading", hint="try again when it is up", detail=state
        )
    return Invalid(
        "source-missing",
        f"dataset {dataset}: the database could not read the source",
        hint="its IT reads the table or view with the same role, to see the database's own message",
        detail=state,
    )
