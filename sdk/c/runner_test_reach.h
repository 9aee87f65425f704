/* runner_test_reach.h - the databases, keys and objects of the host of runner_test.h, which
 * includes it. A test that uses them compiles .runner/sdk/reach.c, too. */
#ifndef RUNNER_TEST_REACH_H
#define RUNNER_TEST_REACH_H

#include "plugin.h"
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNNER_TEST_REACH_MAX = 64 };

/* A statement that was run. */
typedef struct runner_asked {
  const char *database, *text;
  runner_value parameters[16]; /* without the items of arrays */
  size_t count;
} runner_asked;

static struct {
  struct {
    const char *database, *part, *kind;
    const char *const *columns;
    const runner_value *values;
    size_t column_count, row_count;
    uint64_t affected;
    bool used;
  } expected[RUNNER_TEST_REACH_MAX];
  size_t expected_count;
  runner_asked asked[RUNNER_TEST_REACH_MAX];
  size_t asked_count;
  struct {
    char *key, *value;
    size_t len;
    uint64_t end; /* 0: never */
  } keys[RUNNER_TEST_REACH_MAX];
  uint64_t now;
  const char *kv_kind, *blob_kind;
  struct {
    char *store, *key, *bytes;
    size_t len;
    int etag;
    bool open; /* an upload that is not finished */
  } blobs[RUNNER_TEST_REACH_MAX];
  int written;
} runner_reach;

/* ---- For tests ---- */

static inline void runner_test_reach_begin(void) {
  memset(&runner_reach, 0, sizeof runner_reach);
}

static size_t runner_test_expect(const char *database, const char *part) {
  size_t at = runner_reach.expected_count++;
  if (at >= RUNNER_TEST_REACH_MAX) abort();
  runner_reach.expected[at].database = database;
  runner_reach.expected[at].part = part;
  return at;
}

/* Answer one statement that contains `part` with rows, whose values come row after row. Of
 * several that it contains, the first is taken; each is met once. */
static inline void runner_test_rows(const char *database, const char *part,
                                    const char *const *columns, size_t column_count,
                                    const runner_value *values, size_t row_count) {
  size_t at = runner_test_expect(database, part);
  runner_reach.expected[at].columns = columns;
  runner_reach.expected[at].column_count = column_count;
  runner_reach.expected[at].values = values;
  runner_reach.expected[at].row_count = row_count;
  runner_reach.expected[at].affected = row_count;
}
/* Answer one with how many rows it changed. */
static inline void runner_test_changed(const char *database, const char *part, uint64_t rows) {
  runner_reach.expected[runner_test_expect(database, part)].affected = rows;
}
/* Fail one: kind is that of runner_query, such as "conflict". */
static inline void runner_test_sql_refuse(const char *database, const char *part,
                                          const char *kind) {
  runner_reach.expected[runner_test_expect(database, part)].kind = kind;
}
/* The n-th statement that was run; NULL beyond. */
static inline const runner_asked *runner_test_asked(size_t n) {
  return n < runner_reach.asked_count ? &runner_reach.asked[n] : NULL;
}
/* How many statements were expected and not run. */
static inline size_t runner_test_unrun(void) {
  size_t left = 0;
  for (size_t i = 0; i < runner_reach.expected_count; i++) left += !runner_reach.expected[i].used;
  return left;
}
/* Let time pass for keys. */
static inline void runner_test_advance(uint64_t ms) { runner_reach.now += ms; }
/* Refuse every call of keys, or of objects, with this kind of error; NULL: none. */
static inline void runner_test_kv_refuse(const char *kind) { runner_reach.kv_kind = kind; }
static inline void runner_test_blob_refuse(const char *kind) { runner_reach.blob_kind = kind; }

static int runner_test_key(const char *key, size_t len) {
  for (int i = 0; i < RUNNER_TEST_REACH_MAX; i++) {
    if (!runner_reach.keys[i].key) continue;
    if (runner_reach.keys[i].end && runner_reach.keys[i].end <= runner_reach.now) {
      runner_reach.keys[i].key = NULL;
    } else if (strlen(runner_reach.keys[i].key) == len && !memcmp(runner_reach.keys[i].key, key, len)) {
      return i;
    }
  }
  return -1;
}

static int runner_test_blob_at(const char *store, size_t store_len, const char *key, size_t len) {
  for (int i = 0; i < RUNNER_TEST_REACH_MAX; i++) {
    const char *in = runner_reach.blobs[i].store, *of = runner_reach.blobs[i].key;
    if (in && !runner_reach.blobs[i].open && strlen(in) == store_len && strlen(of) == len &&
        !memcmp(in, store, store_len) && !memcmp(of, key, len)) {
      return i;
    }
  }
  return -1;
}

/* What a key holds; NULL for nothing. */
static inline const char *runner_test_kv(const char *key) {
  int at = runner_test_key(key, strlen(key));
  return at < 0 ? NULL : runner_reach.keys[at].value;
}
/* The content of an object; NULL if there is none. */
static inline const char *runner_test_blob(const char *store, const char *key) {
  int at = runner_test_blob_at(store, strlen(store), key, strlen(key));
  return at < 0 ? NULL : runner_reach.blobs[at].bytes;
}

/* ---- The host's functions, as the SDK calls them ---- */

static char *runner_reach_copy(const void *text, size_t len) {
  char *copy = (char *)malloc(len + 1);
  if (!copy) abort();
  if (len) memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

static plugin_string_t runner_reach_text(const char *text, size_t len) {
  plugin_string_t made = {(uint8_t *)runner_reach_copy(text, len), len};
  return made;
}

static uint8_t runner_reach_kind(const char *const *kinds, size_t count, const char *kind) {
  for (size_t i = 0; i < count; i++) {
    if (!strcmp(kinds[i], kind)) return (uint8_t)i;
  }
  fprintf(stderr, "runner_test.h: there is no error of the kind %s\n", kind);
  abort();
}

static bool runner_reach_fails(const char *kind, runner_plugin_sql_error_t *err, int place) {
  static const char *const kinds[] = {"denied",   "invalid", "constraint", "expectation",
                                      "conflict", "limit",   "timeout",    "unavailable",
                                      "uncertain", "failed"};
  memset(err, 0, sizeof *err);
  err->kind = runner_reach_kind(kinds, 10, kind);
  err->message = runner_reach_text(kind, strlen(kind));
  err->statement.is_some = place >= 0;
  err->statement.val = (uint32_t)place;
  return false;
}

static runner_plugin_sql_value_t runner_reach_value(const runner_value *value) {
  runner_plugin_sql_value_t made;
  memset(&made, 0, sizeof made);
  made.val.scalar.tag = (uint8_t)value->type;
  switch (value->type) {
    case RUNNER_NULL: case RUNNER_ARRAY: made.val.scalar.tag = RUNNER_NULL; break;
    case RUNNER_BOOLEAN: made.val.scalar.val.boolean = value->integer != 0; break;
    case RUNNER_INTEGER: made.val.scalar.val.integer = value->integer; break;
    case RUNNER_FLOAT: made.val.scalar.val.float_ = value->number; break;
    default: made.val.scalar.val.text = runner_reach_text(value->text, value->len);
  }
  return made;
}

static runner_value runner_reach_asked(const runner_plugin_sql_value_t *value) {
  runner_value made;
  memset(&made, 0, sizeof made);
  made.text = "";
  if (value->tag != RUNNER_PLUGIN_SQL_VALUE_SCALAR) {
    made.type = RUNNER_ARRAY;
    made.count = value->val.array.len;
    return made;
  }
  made.type = (runner_type)value->val.scalar.tag;
  switch (made.type) {
    case RUNNER_NULL: break;
    case RUNNER_BOOLEAN: made.integer = value->val.scalar.val.boolean; break;
    case RUNNER_INTEGER: made.integer = value->val.scalar.val.integer; break;
    case RUNNER_FLOAT: made.number = value->val.scalar.val.float_; break;
    default:
      made.len = value->val.scalar.val.text.len;
      made.text = runner_reach_copy(value->val.scalar.val.text.ptr, made.len);
  }
  return made;
}

static bool runner_reach_run(plugin_string_t *database, runner_plugin_sql_statement_t *statement,
                             runner_plugin_sql_rows_t *ret, runner_plugin_sql_error_t *err,
                             int place) {
  size_t n = runner_reach.asked_count++;
  if (n >= RUNNER_TEST_REACH_MAX) abort();
  runner_asked *asked = &runner_reach.asked[n];
  asked->database = runner_reach_copy(database->ptr, database->len);
  asked->text = runner_reach_copy(statement->text.ptr, statement->text.len);
  for (size_t i = 0; i < statement->parameters.len && i < 16; i++) {
    asked->parameters[asked->count++] = runner_reach_asked(&statement->parameters.ptr[i]);
  }
  for (size_t i = 0; i < runner_reach.expected_count; i++) {
    if (runner_reach.expected[i].used || strcmp(runner_reach.expected[i].database, asked->database) ||
        !strstr(asked->text, runner_reach.expected[i].part)) {
      continue;
    }
    runner_reach.expected[i].used = true;
    const char *kind = runner_reach.expected[i].kind;
    uint64_t affected = runner_reach.expected[i].affected;
    if (!kind && statement->expect.is_some && statement->expect.val != affected) {
      kind = "expectation";
    }
    if (kind) return runner_reach_fails(kind, err, place);
    size_t columns = runner_reach.expected[i].column_count, rows = runner_reach.expected[i].row_count;
    memset(ret, 0, sizeof *ret);
    ret->affected = affected;
    ret->columns.len = columns;
    ret->rows.len = rows;
    ret->columns.ptr = (runner_plugin_sql_column_t *)calloc(columns + 1, sizeof *ret->columns.ptr);
    ret->rows.ptr = (runner_plugin_sql_list_value_t *)calloc(rows + 1, sizeof *ret->rows.ptr);
    if (!ret->columns.ptr || !ret->rows.ptr) abort();
    for (size_t c = 0; c < columns; c++) {
      const char *name = runner_reach.expected[i].columns[c];
      ret->columns.ptr[c].name = runner_reach_text(name, strlen(name));
      ret->columns.ptr[c].kind = runner_reach_text("", 0);
    }
    for (size_t r = 0; r < rows; r++) {
      runner_plugin_sql_list_value_t *row = &ret->rows.ptr[r];
      row->len = columns;
      row->ptr = (runner_plugin_sql_value_t *)calloc(columns + 1, sizeof *row->ptr);
      if (!row->ptr) abort();
      for (size_t c = 0; c < columns; c++) {
        row->ptr[c] = runner_reach_value(&runner_reach.expected[i].values[r * columns + c]);
      }
    }
    return true;
  }
  fprintf(stderr, "runner_test.h: no outcome for the statement on %s: %s\n", asked->database,
          asked->text);
  abort();
}

bool runner_plugin_sql_query(plugin_string_t *database, runner_plugin_sql_statement_t *statement,
                             uint32_t *maybe_timeout, runner_plugin_sql_rows_t *ret,
                             runner_plugin_sql_error_t *err) {
  (void)maybe_timeout;
  return runner_reach_run(database, statement, ret, err, -1);
}

bool runner_plugin_sql_execute(plugin_string_t *database, runner_plugin_sql_statement_t *statement,
                               uint32_t *maybe_timeout, uint64_t *ret,
                               runner_plugin_sql_error_t *err) {
  (void)maybe_timeout;
  runner_plugin_sql_rows_t rows;
  if (!runner_reach_run(database, statement, &rows, err, -1)) return false;
  *ret = rows.affected;
  return true;
}

bool runner_plugin_sql_transaction(plugin_string_t *database,
                                   runner_plugin_sql_list_statement_t *statements,
                                   uint32_t *maybe_timeout, runner_plugin_sql_list_rows_t *ret,
                                   runner_plugin_sql_error_t *err) {
  (void)maybe_timeout;
  ret->len = statements->len;
  ret->ptr = (runner_plugin_sql_rows_t *)calloc(statements->len + 1, sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (size_t i = 0; i < statements->len; i++) {
    if (!runner_reach_run(database, &statements->ptr[i], &ret->ptr[i], err, (int)i)) return false;
  }
  return true;
}

static bool runner_reach_no_kv(const char *kind, runner_plugin_kv_error_t *err) {
  static const char *const kinds[] = {"denied", "invalid", "limit", "lost", "unavailable"};
  err->tag = runner_reach_kind(kinds, 5, kind);
  err->val.denied = runner_reach_text(kind, strlen(kind));
  return false;
}

#define RUNNER_REACH_KV()                                                       \
  if (runner_reach.kv_kind) return runner_reach_no_kv(runner_reach.kv_kind, err)

static void runner_reach_put(plugin_string_t *key, const void *value, size_t len, uint64_t *ttl) {
  int at = runner_test_key((const char *)key->ptr, key->len);
  for (int i = 0; at < 0 && i < RUNNER_TEST_REACH_MAX; i++) {
    if (!runner_reach.keys[i].key) at = i;
  }
  if (at < 0) abort();
  runner_reach.keys[at].key = runner_reach_copy(key->ptr, key->len);
  runner_reach.keys[at].value = runner_reach_copy(value, len);
  runner_reach.keys[at].len = len;
  runner_reach.keys[at].end = ttl ? runner_reach.now + *ttl : 0;
}

bool runner_plugin_kv_get(plugin_string_t *key, runner_plugin_kv_option_entry_t *ret,
                          runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  memset(ret, 0, sizeof *ret);
  int at = runner_test_key((const char *)key->ptr, key->len);
  if (at < 0) return true;
  ret->is_some = true;
  ret->val.value.len = runner_reach.keys[at].len;
  ret->val.value.ptr = (uint8_t *)runner_reach_copy(runner_reach.keys[at].value, runner_reach.keys[at].len);
  ret->val.ttl.is_some = runner_reach.keys[at].end != 0;
  ret->val.ttl.val = runner_reach.keys[at].end - runner_reach.now;
  return true;
}

bool runner_plugin_kv_set(plugin_string_t *key, plugin_list_u8_t *value, uint64_t *maybe_ttl,
                          runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  runner_reach_put(key, value->ptr, value->len, maybe_ttl);
  return true;
}

bool runner_plugin_kv_compare_and_set(plugin_string_t *key, plugin_list_u8_t *maybe_expected,
                                      plugin_list_u8_t *maybe_value, uint64_t *maybe_ttl,
                                      bool *ret, runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  int at = runner_test_key((const char *)key->ptr, key->len);
  *ret = maybe_expected ? at >= 0 && runner_reach.keys[at].len == maybe_expected->len &&
                              !memcmp(runner_reach.keys[at].value, maybe_expected->ptr, maybe_expected->len)
                        : at < 0;
  if (*ret && maybe_value) runner_reach_put(key, maybe_value->ptr, maybe_value->len, maybe_ttl);
  if (*ret && !maybe_value && at >= 0) runner_reach.keys[at].key = NULL;
  return true;
}

bool runner_plugin_kv_increment(plugin_string_t *key, int64_t by, uint64_t *maybe_ttl,
                                int64_t *ret, runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  int at = runner_test_key((const char *)key->ptr, key->len);
  long long before = 0;
  uint64_t end = 0;
  if (at >= 0) {
    char *rest;
    before = strtoll(runner_reach.keys[at].value, &rest, 10);
    if (*rest || !runner_reach.keys[at].len) return runner_reach_no_kv("invalid", err);
    end = runner_reach.keys[at].end;
  }
  char text[32];
  int len = snprintf(text, sizeof text, "%lld", before + (long long)by);
  runner_reach_put(key, text, (size_t)len, maybe_ttl);
  if (at >= 0) runner_reach.keys[at].end = end;
  *ret = before + by;
  return true;
}

bool runner_plugin_kv_expire(plugin_string_t *key, uint64_t *maybe_ttl, bool *ret,
                             runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  int at = runner_test_key((const char *)key->ptr, key->len);
  *ret = at >= 0;
  if (at >= 0) runner_reach.keys[at].end = maybe_ttl ? runner_reach.now + *maybe_ttl : 0;
  return true;
}

bool runner_plugin_kv_delete(plugin_string_t *key, bool *ret, runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  int at = runner_test_key((const char *)key->ptr, key->len);
  *ret = at >= 0;
  if (at >= 0) runner_reach.keys[at].key = NULL;
  return true;
}

static int runner_reach_by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool runner_plugin_kv_list_keys(plugin_string_t *prefix, plugin_string_t *maybe_cursor,
                                uint32_t limit, runner_plugin_kv_page_t *ret,
                                runner_plugin_kv_error_t *err) {
  RUNNER_REACH_KV();
  const char *names[RUNNER_TEST_REACH_MAX];
  size_t count = 0;
  char *cursor = maybe_cursor ? runner_reach_copy(maybe_cursor->ptr, maybe_cursor->len) : NULL;
  for (int i = 0; i < RUNNER_TEST_REACH_MAX; i++) {
    const char *key = runner_reach.keys[i].key;
    if (!key || runner_test_key(key, strlen(key)) < 0) continue;
    if (!strncmp(key, (const char *)prefix->ptr, prefix->len) && (!cursor || strcmp(key, cursor) > 0)) {
      names[count++] = key;
    }
  }
  qsort(names, count, sizeof *names, runner_reach_by_name);
  memset(ret, 0, sizeof *ret);
  ret->keys.len = count > limit ? limit : count;
  ret->keys.ptr = (plugin_string_t *)calloc(ret->keys.len + 1, sizeof *ret->keys.ptr);
  if (!ret->keys.ptr) abort();
  for (size_t i = 0; i < ret->keys.len; i++) ret->keys.ptr[i] = runner_reach_text(names[i], strlen(names[i]));
  ret->cursor.is_some = count > limit;
  if (count > limit) ret->cursor.val = runner_reach_text(names[limit - 1], strlen(names[limit - 1]));
  free(cursor);
  return true;
}

#include "runner_test_blobs.h"

#endif
