/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, PostgreSQL, MariaDB: how each begins, quotes, and says what went wrong.
 *
 * The SQLite driver guesses the types of a result's columns from the text of the statement, which
 * it takes apart with strtok, literals included: a wrong word there hangs it or smashes its stack,
 * MAX(x) AS y comes back cut to 32 bits, and what it finds no table for it reports on standard
 * output.  sqlite_disarm gives it a text in which it finds what we want it to find.
 */
#include "engine.h"

#include <string.h>

static const char *const no_statements[] = { NULL };

/* ---- Quoting ---- */

/* Backslashes are plain characters in all three: see on_connect and the options below. */
static void quote_plain(const char *text, apr_size_t length, char **at)
{
    char *out = *at;

    *out++ = '\'';
    for (apr_size_t i = 0; i < length; i++) {
        if (text[i] == '\'') *out++ = '\'';
        *out++ = text[i];
    }
    *out++ = '\'';
    *at = out;
}

static void quote_always_plain(const char *text, apr_size_t length, bool returns_rows, char **at)
{
    (void)returns_rows;
    quote_plain(text, length, at);
}

static void append(char **at, const char *text)
{
    apr_size_t length = strlen(text);

    memcpy(*at, text, length);
    *at += length;
}

static void quote_sqlite(const char *text, apr_size_t length, bool returns_rows, char **at)
{
    static const char digits[] = "0123456789abcdef";

    if (!returns_rows) {
        quote_plain(text, length, at);
        return;
    }
    append(at, "CAST(x'");
    for (apr_size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        *(*at)++ = digits[byte >> 4];
        *(*at)++ = digits[byte & 15];
    }
    append(at, "' AS TEXT)");
}

/* ---- SQLite ---- */

/*
 * The driver looks for its tables after the first "from", and gives up at "where": it finds
 * `expressions`, a temporary table.  It looks at the selected expressions after the word SELECT: it
 * finds none.  Columns bear their table's name (full_column_names), so it looks up their types
 * there; what is computed it looks up in `expressions` by its alias.  A name it does not find is
 * taken for text, which is safe, but leaks the 32 bytes of a table's name.
 */
#define SQLITE_DISGUISE "/* from expressions where */ "

static const char *sqlite_disarm(apr_pool_t *pool, const char *statement)
{
    apr_size_t length = strlen(statement);
    char *copy = apr_palloc(pool, sizeof SQLITE_DISGUISE + length);
    char *text = copy + sizeof SQLITE_DISGUISE - 1;
    bool literal = false;

    memcpy(copy, SQLITE_DISGUISE, sizeof SQLITE_DISGUISE - 1);
    memcpy(text, statement, length + 1);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\'') {
            literal = !literal;
            if (literal && (at == text || at[-1] != 'x')) return NULL;
        } else if (strncmp(at, "SELECT", 6) == 0 || strncmp(at, "select", 6) == 0) {
            memcpy(at, "Select", 6);
        }
    }
    return copy;
}

static db_status_t sqlite_status(int error, const char *message)
{
    switch (error) {
    case 5: case 6: case 15: case 17: /* BUSY LOCKED PROTOCOL SCHEMA */
        return DB_RETRY;
    case 3: case 8: case 10: case 13: case 14: /* PERM READONLY IOERR FULL CANTOPEN */
        return DB_FULL;
    case 19: /* CONSTRAINT, of any kind */
        return strstr(message, "UNIQUE constraint") != NULL ? DB_DUPLICATE : DB_FAILED;
    default:
        return error < 0 ? DB_LOST : DB_FAILED;
    }
}

static const engine_option_t sqlite_options[] = {
    { .name = "sqlite3_timeout", .number = 5000 },
    { .name = NULL }
};

/*
 * The last ones return a row, so `expressions` must be there before them.  The log is merged
 * without waiting for who reads (a backup, an export), which would hold up those who write; so it
 * is cut when it begins anew.
 */
static const char *const sqlite_on_connect[] = {
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA full_column_names=ON",
    "CREATE TEMP TABLE expressions (n BIGINT, n2 BIGINT, n3 BIGINT, n4 BIGINT,"
    " t TEXT, t2 TEXT, t3 TEXT, t4 TEXT)",
    "PRAGMA journal_mode=WAL",
    "PRAGMA journal_size_limit=4194304",
    NULL
};

/* WAL: others go on writing. */
static const char *const sqlite_snapshot[] = { "BEGIN", NULL };

#define SQLITE_COLUMNS                                                                           \
    "SELECT name AS t, type AS t2, pk AS n, \"notnull\" AS n2 FROM pragma_table_info("

/* ---- PostgreSQL ---- */

#define PGSQL_LIMIT "10000" /* milliseconds */

static const engine_option_t pgsql_options[] = {
    { .name = "encoding", .text = "UTF-8" },
    { .name = "timeout", .number = 3 }, /* seconds, to connect */
    { .name = "pgsql_application_name", .text = "salond" },
    { .name = "pgsql_tcp_user_timeout", .number = 15000 },
    { .name = "pgsql_options",
      .text = "-c standard_conforming_strings=on -c client_min_messages=error"
              " -c statement_timeout=" PGSQL_LIMIT " -c lock_timeout=5000"
              " -c idle_in_transaction_session_timeout=30000" },
    { .name = NULL }
};

/* As long as it knows nothing of a table, it would rather read a whole timeline and sort it than
 * the one page that an index has in order. */
static const char *const pgsql_on_connect[] = { "SET enable_bitmapscan=off", NULL };

static const char *const pgsql_unlimited[] = {
    "SET statement_timeout=0",
    "SET idle_in_transaction_session_timeout=0",
    NULL
};

static const char *const pgsql_snapshot[] = {
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    NULL
};

/* The numbers of the key's columns are an array that counts from 0. */
#define PGSQL_COLUMNS                                                                            \
    "SELECT a.attname::text AS t, format_type(a.atttypid, a.atttypmod) AS t2,"                   \
    " COALESCE(array_position(i.indkey::smallint[], a.attnum) + 1, 0) AS n,"                     \
    " CASE WHEN a.attnotnull THEN 1 ELSE 0 END AS n2"                                            \
    " FROM pg_attribute a"                                                                       \
    " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"                        \
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = to_regclass("

typedef struct sqlstate_t {
    const char *code; /* or the beginning of several */
    db_status_t status;
} sqlstate_t;

static const sqlstate_t sqlstates[] = {
    { "23505", DB_DUPLICATE },
    { "40001", DB_RETRY }, { "40P01", DB_RETRY }, { "55P03", DB_RETRY },
    { "57014", DB_FULL }, /* it took too long */
    { "08", DB_LOST }, { "57P", DB_LOST }, { "53300", DB_LOST }, { "25P03", DB_LOST },
    { "25006", DB_LOST }, /* read-only: we are connected to a standby */
    { "53", DB_FULL }, { "58", DB_FULL },
    { NULL, DB_FAILED }
};

/* The driver gives the five characters of the SQLSTATE as a number to the base 36, and 0 when the
 * connection has broken. */
static db_status_t pgsql_status(int error, const char *message)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char code[6] = "";
    const sqlstate_t *at = sqlstates;

    (void)message;
    if (error <= 0) return DB_LOST;
    for (int i = 4; i >= 0; i--, error /= 36) code[i] = digits[error % 36];
    while (at->code != NULL && strncmp(code, at->code, strlen(at->code)) != 0) at++;
    return at->status;
}

/* ---- MariaDB, MySQL ---- */

/* "utf8mb4" as it is: the driver turns "UTF-8" into the utf8 that has no emoji.  Found rows: an
 * UPDATE reports the rows that it matched, as the other engines do. */
static const engine_option_t mysql_options[] = {
    { .name = "encoding", .text = "utf8mb4" },
    { .name = "timeout", .number = 3 }, /* seconds, to connect */
    { .name = "mysql_client_found_rows", .number = 1 },
    { .name = NULL }
};

/*
 * Limits for a statement, and, where there is one, for a transaction whose client says nothing any
 * more: seconds of MariaDB, which MySQL skips, and milliseconds of MySQL, which has the first for
 * SELECT alone.
 */
#define MYSQL_LIMIT                                                                              \
    "/*M! max_statement_time=10, idle_transaction_timeout=30 */"                                 \
    " /*!50708 max_execution_time=10000 */"
#define MYSQL_NO_LIMIT "/*M! max_statement_time=0 */ /*!50708 max_execution_time=0 */"

static const char *const mysql_on_connect[] = {
    "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION autocommit=1",
    "SET SESSION innodb_lock_wait_timeout=5",
    "SET SESSION " MYSQL_LIMIT,
    NULL
};

static const char *const mysql_unlimited[] = {
    "SET SESSION /*M! max_statement_time=0, idle_transaction_timeout=0, */"
    " /*!50708 max_execution_time=0, */ wait_timeout=86400",
    NULL
};

static const char *const mysql_snapshot[] = {
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    NULL
};

#define MYSQL_COLUMNS                                                                            \
    "SELECT c.column_name AS t, c.column_type AS t2, COALESCE(k.ordinal_position, 0) AS n,"      \
    " c.is_nullable = 'NO' AS n2"                                                                \
    " FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k"         \
    " ON k.table_schema = c.table_schema AND k.table_name = c.table_name"                        \
    " AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'"                       \
    " WHERE c.table_schema = DATABASE() AND c.table_name = "

static db_status_t mysql_status(int error, const char *message)
{
    (void)message;
    switch (error) {
    case 1062: case 1586:
        return DB_DUPLICATE;
    case 1205: case 1213: case 1020: /* lock wait, deadlock, changed since it was read */
        return DB_RETRY;
    case 1021: case 1114: case 1026: case 1030: case 1037: case 1041: /* disk, table full; I/O */
    case 1180: case 1317: case 1969: case 3024: /* not committed, interrupted, took too long */
        return DB_FULL;
    case 1040: case 1047: case 1053: case 1077: case 1079: case 1152: case 1159: case 1161:
    case 1203: case 1290: case 1836: case 1927: case 4031: /* too many, ending, read-only, killed */
        return DB_LOST;
    default: /* 2000 to 2999: the client's own, all about the connection */
        return error <= 0 || (error >= 2000 && error < 3000) ? DB_LOST : DB_FAILED;
    }
}

/* ---- The table ---- */

/* Advisory locks: PostgreSQL has numbers, of one database, MariaDB names, of the whole server. */
#define PGSQL_LOCK "8317987319"
#define MYSQL_LOCK "CONCAT('salon ', MD5(DATABASE()))"

#define HAS_VERSIONS                                                                             \
    "SELECT COUNT(*) AS n FROM information_schema.tables"                                        \
    " WHERE table_name = 'schema_versions' AND table_schema = "

/* Binary collations that do not pad: otherwise 'Bob' and 'bob ' would be one name.  MariaDB and
 * MySQL spell them differently, and each skips the other's comment. */
#define MYSQL_SUFFIX                                                                             \
    " ENGINE=InnoDB CHARACTER SET utf8mb4"                                                       \
    " COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */"

static const engine_t engines[] = {
    { .driver = "sqlite3", .embedded = true, .transactional_ddl = true, .values_table = true,
      .reads_json = true,
      .begin = "BEGIN IMMEDIATE", .commit = "COMMIT", .rollback = "ROLLBACK",
      .on_idle = "PRAGMA wal_checkpoint(PASSIVE)", .table_suffix = "", .text_type = "TEXT",
      .check = "PRAGMA quick_check(1)",
      .unlimited = no_statements, .snapshot = sqlite_snapshot,
      .columns_head = SQLITE_COLUMNS, .columns_tail = ") ORDER BY cid",
      .options = sqlite_options, .on_connect = sqlite_on_connect,
      .quote = quote_sqlite, .disarm = sqlite_disarm, .status = sqlite_status },
    { .driver = "pgsql", .transactional_ddl = true, .values_table = true,
      .begin = "BEGIN", .commit = "COMMIT", .rollback = "ROLLBACK",
      .table_suffix = "", .text_type = "TEXT",
      .claim = "SELECT CASE WHEN pg_try_advisory_lock(" PGSQL_LOCK ") THEN 1 ELSE 0 END AS n",
      .release = "SELECT CASE WHEN pg_advisory_unlock(" PGSQL_LOCK ") THEN 1 ELSE 0 END AS n",
      .has_versions = HAS_VERSIONS "current_schema()",
      .no_limit = "SET statement_timeout=0", .limit = "SET statement_timeout=" PGSQL_LIMIT,
      .unlimited = pgsql_unlimited, .snapshot = pgsql_snapshot,
      .columns_head = PGSQL_COLUMNS, .columns_tail = ") ORDER BY a.attnum",
      .options = pgsql_options, .on_connect = pgsql_on_connect,
      .quote = quote_always_plain, .status = pgsql_status },
    { .driver = "mysql",
      .begin = "START TRANSACTION", .commit = "COMMIT", .rollback = "ROLLBACK",
      .table_suffix = MYSQL_SUFFIX, .text_type = "MEDIUMTEXT", /* TEXT ends at 64 KB */
      .claim = "SELECT GET_LOCK(" MYSQL_LOCK ", 0) AS n",
      .release = "SELECT RELEASE_LOCK(" MYSQL_LOCK ") AS n",
      .has_versions = HAS_VERSIONS "DATABASE()",
      .no_limit = "SET SESSION " MYSQL_NO_LIMIT, .limit = "SET SESSION " MYSQL_LIMIT,
      .unlimited = mysql_unlimited, .snapshot = mysql_snapshot,
      .columns_head = MYSQL_COLUMNS, .columns_tail = " ORDER BY c.ordinal_position",
      .options = mysql_options, .on_connect = mysql_on_connect,
      .quote = quote_always_plain, .status = mysql_status },
};

const engine_t *engine_find(const char *driver)
{
    for (unsigned i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (strcmp(engines[i].driver, driver) == 0) return &engines[i];
    }
    return NULL;
}
