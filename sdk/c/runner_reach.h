/* runner_reach.h - the databases, keys and objects that a plugin is granted.
 *
 * runner.h includes it. What the functions give belongs to the job and what they are given
 * is copied, as there. All of them return false when they fail; runner_fail() then retries
 * what may work later and rejects the rest. A test compiles reach.c beside runner.c.
 */
#ifndef RUNNER_REACH_H
#define RUNNER_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Databases ------------------------------------------------------------------- */

/* What a value is. */
typedef enum runner_type {
  RUNNER_NULL,
  RUNNER_BOOLEAN,     /* in `integer`: 0 or 1; SQLite has integers instead */
  RUNNER_INTEGER,     /* in `integer` */
  RUNNER_FLOAT,       /* in `number` */
  RUNNER_NUMERIC,     /* an exact decimal, "12.340"; also integers beyond 64 bits */
  RUNNER_TEXT,
  RUNNER_BYTES,       /* in `text` and `len` */
  RUNNER_JSON,
  RUNNER_UUID,        /* "123e4567-e89b-12d3-a456-426614174000" */
  RUNNER_DATE,        /* "2026-11-28" */
  RUNNER_TIME,        /* "23:59:59.123456" */
  RUNNER_TIMESTAMP,   /* without zone, "2026-11-28T23:59:59.123456" */
  RUNNER_TIMESTAMPTZ, /* a point in time, in UTC: "2026-11-28T23:59:59.123456Z" */
  RUNNER_OTHER,       /* another type, in the database's own form */
  RUNNER_ARRAY,       /* of Postgres, with one dimension: `items` */
} runner_type;

/* A value of a field or a parameter. */
typedef struct runner_value {
  runner_type type;
  int64_t integer;
  double number;
  const char *text; /* of all other types; "" where there is none */
  size_t len;       /* its bytes */
  const struct runner_value *items;
  size_t count;
} runner_value;

/* Parameters, named by their types: runner_sql(RUNNER_UUID, id), runner_sql_integer(7). The
 * text of any type but RUNNER_NULL, RUNNER_ARRAY and the numbers; NULL is null. */
runner_value runner_sql(runner_type type, const char *text);
runner_value runner_sql_bytes(const void *bytes, size_t len);
runner_value runner_sql_integer(int64_t integer);
runner_value runner_sql_float(double number);
runner_value runner_sql_boolean(bool truth);
runner_value runner_sql_array(const runner_value *items, size_t count);

/* A statement. What is 0 or NULL takes its default:
 *
 *   runner_value id = runner_sql_integer(7);
 *   runner_statement open = {.text = "select email from users where id = $1",
 *                            .parameters = &id, .count = 1};
 *   runner_rows rows;
 *   if (!runner_query("main", &open, &rows)) return runner_fail();
 *   if (rows.count) use(runner_cell(&rows, 0, "email")->text);
 */
typedef struct runner_statement {
  const char *text; /* with the database's own placeholders: $1 in Postgres, else ? */
  const runner_value *parameters;
  size_t count;
  bool expects;     /* whether it must return or change `expected` rows */
  uint64_t expected;
  uint32_t timeout; /* milliseconds; 0: the grant's own. Of a transaction the first's */
} runner_statement;

/* What a statement returned. */
typedef struct runner_rows {
  const char *const *columns; /* their names */
  const char *const *kinds;   /* the database's own names of their types, "" for none */
  size_t column_count;
  const runner_value *values; /* row after row */
  size_t count;               /* how many rows */
  uint64_t affected;          /* how many were returned or changed */
} runner_rows;

/* Run a statement on the database that has this name under [plugins.<name>.sql], and read
 * all its rows. A change is committed before it returns. Kinds of errors: "denied",
 * "invalid", "constraint", "expectation", "limit" reject; "conflict", "timeout",
 * "unavailable", "uncertain" (it may have been made), "failed" retry. */
bool runner_query(const char *database, const runner_statement *statement, runner_rows *rows);
/* The same for its effect: how many rows it changed, unless changed is NULL. */
bool runner_execute(const char *database, const runner_statement *statement,
                    uint64_t *changed);
/* All of these statements or none. results has room for count, or is NULL. */
bool runner_transaction(const char *database, const runner_statement *statements, size_t count,
                        runner_rows *results);

/* The value in the row, from 0, and the column of that name; NULL if there is none. */
const runner_value *runner_cell(const runner_rows *rows, size_t row, const char *column);

/* More of the last error of a database, once there was one in this job. */
typedef struct runner_sql_error {
  const char *code;       /* the SQLSTATE, in SQLite the extended result code; NULL */
  const char *constraint; /* that forbids it, where the database names it; NULL */
  int64_t statement;      /* its index in the transaction, or -1 */
  int64_t position;       /* byte of its text, or -1 */
} runner_sql_error;
const runner_sql_error *runner_sql_failure(void);

/* ---- Keys ------------------------------------------------------------------------ */

/* Values that outlive the job, with kv = true. Times are in milliseconds, 0 is for good.
 * Kinds of errors: "denied", "invalid", "limit" reject; "lost", "unavailable" retry. */

/* Bytes; a `text` of NULL is nothing. They end with a NUL byte, too. */
typedef struct runner_bytes {
  const char *text;
  size_t len;
} runner_bytes;

/* The value of a key, and how long it stays, unless ttl is NULL. */
bool runner_kv_get(const char *key, runner_bytes *value, uint64_t *ttl);
/* Replace what the key holds. */
bool runner_kv_set(const char *key, const void *value, size_t len, uint64_t ttl);
/* Do so if it holds exactly `expected`, or nothing; a `value` of nothing removes it. */
bool runner_kv_compare_and_set(const char *key, runner_bytes expected, runner_bytes value,
                               uint64_t ttl, bool *done);
/* Add to an integer; nothing counts as 0. The time counts from when the key is made. */
bool runner_kv_increment(const char *key, int64_t by, uint64_t ttl, int64_t *sum);
/* Whether the key held something comes into *held, unless that is NULL. */
bool runner_kv_expire(const char *key, uint64_t ttl, bool *held);
bool runner_kv_delete(const char *key, bool *held);

/* Some keys, in the order of their bytes, and where to go on; a cursor of NULL ends. */
typedef struct runner_keys {
  const char *const *items;
  size_t count;
  const char *cursor;
} runner_keys;
/* At most `limit` keys that begin with the prefix, 1000 for 0; from a cursor or NULL. */
bool runner_kv_keys(const char *prefix, const char *cursor, uint32_t limit, runner_keys *keys);

/* ---- Objects --------------------------------------------------------------------- */

/* In the store that has this name under [plugins.<name>.blobs]. One call carries 8 MiB.
 * Kinds of errors: "denied", "not-found", "precondition", "invalid", "too-large" reject;
 * "timeout", "unavailable" retry. */

/* What is known of an object. */
typedef struct runner_object {
  const char *key;
  uint64_t size;
  uint64_t modified; /* milliseconds since 1970 */
  const char *etag;  /* changes with its content; NULL if the store has none */
} runner_object;

/* How an object is written; NULL or zeros replace one that is there. */
typedef struct runner_write {
  bool if_absent;           /* only if there is none; "precondition" otherwise */
  const char *if_unchanged; /* only if it has this etag */
  const char *content_type;
} runner_write;

/* Bytes from offset on, at most length; the whole object for a length of 0. What is known
 * of it comes into *object, unless that is NULL. */
bool runner_blob_get(const char *store, const char *key, uint64_t offset, uint64_t length,
                     runner_bytes *content, runner_object *object);
bool runner_blob_head(const char *store, const char *key, runner_object *object);
/* Its etag comes into *etag, unless that is NULL. */
bool runner_blob_put(const char *store, const char *key, const void *bytes, size_t len,
                     const runner_write *how, const char **etag);
/* It is no error if there is none. */
bool runner_blob_delete(const char *store, const char *key);

/* An object of any size, part by part. It appears with runner_upload_finish; without, also
 * when the job ends, there is no trace of it. */
typedef struct runner_upload {
  int32_t handle;
} runner_upload;
bool runner_blob_begin(const char *store, const char *key, const runner_write *how,
                       runner_upload *upload);
bool runner_upload_append(runner_upload *upload, const void *bytes, size_t len);
bool runner_upload_finish(runner_upload *upload, const char **etag);
/* Give up one that is not finished. */
void runner_upload_abort(runner_upload *upload);

/* Some objects, in the order of their keys, and where to go on; a cursor of NULL ends. */
typedef struct runner_objects {
  const runner_object *items;
  size_t count;
  const char *cursor;
} runner_objects;
bool runner_blob_list(const char *store, const char *prefix, const char *cursor, uint32_t limit,
                      runner_objects *objects);

/* A URL with which anybody can read, or write, this object for so many seconds. */
bool runner_blob_presign(const char *store, const char *key, bool write, uint32_t seconds,
                         const char **url);

#ifdef __cplusplus
}
#endif

#endif
