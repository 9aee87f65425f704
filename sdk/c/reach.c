/* Databases, keys and objects, over the bindings that wit-bindgen made of the host API
 * (plugin.h). */
#include "runner.h"
#include "plugin.h"
#include "runner_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Between the bindings' values and ours ---- */

static plugin_string_t lend(const char *text) {
  plugin_string_t lent = {(uint8_t *)text, strlen(text)};
  return lent;
}

static plugin_list_u8_t lend_bytes(const void *bytes, size_t len) {
  plugin_list_u8_t lent = {(uint8_t *)bytes, len};
  return lent;
}

/* The host's text becomes the job's. */
static const char *keep(plugin_string_t text) {
  const char *copy = runner_copy(text.ptr, text.len);
  if (text.len) free(text.ptr);
  return copy;
}

static const char *keep_option(plugin_option_string_t text) {
  return text.is_some ? keep(text.val) : NULL;
}

static runner_bytes keep_bytes(plugin_list_u8_t bytes) {
  plugin_string_t text = {bytes.ptr, bytes.len};
  return (runner_bytes){keep(text), bytes.len};
}

static bool failed_as(const char *kind, plugin_string_t text) {
  runner_set_error(kind, keep(text));
  return false;
}

/* ---- Databases ---- */

runner_value runner_sql(runner_type type, const char *text) {
  if (!text) return (runner_value){.type = RUNNER_NULL, .text = ""};
  return (runner_value){.type = type, .text = text, .len = strlen(text)};
}

runner_value runner_sql_bytes(const void *bytes, size_t len) {
  return (runner_value){.type = RUNNER_BYTES, .text = (const char *)bytes, .len = len};
}

runner_value runner_sql_integer(int64_t integer) {
  return (runner_value){.type = RUNNER_INTEGER, .integer = integer, .text = ""};
}

runner_value runner_sql_float(double number) {
  return (runner_value){.type = RUNNER_FLOAT, .number = number, .text = ""};
}

runner_value runner_sql_boolean(bool truth) {
  return (runner_value){.type = RUNNER_BOOLEAN, .integer = truth, .text = ""};
}

runner_value runner_sql_array(const runner_value *items, size_t count) {
  return (runner_value){.type = RUNNER_ARRAY, .text = "", .items = items, .count = count};
}

static runner_plugin_sql_scalar_t lower_scalar(const runner_value *value) {
  runner_plugin_sql_scalar_t lowered;
  memset(&lowered, 0, sizeof lowered);
  lowered.tag = (uint8_t)value->type;
  switch (value->type) {
    case RUNNER_NULL: break;
    case RUNNER_BOOLEAN: lowered.val.boolean = value->integer != 0; break;
    case RUNNER_INTEGER: lowered.val.integer = value->integer; break;
    case RUNNER_FLOAT: lowered.val.float_ = value->number; break;
    case RUNNER_BYTES: lowered.val.bytes = lend_bytes(value->text, value->len); break;
    default:
      /* The others are texts. An array in an array has no form; the database says so. */
      if (value->type == RUNNER_ARRAY) lowered.tag = RUNNER_OTHER;
      lowered.val.text.ptr = (uint8_t *)value->text;
      lowered.val.text.len = value->len;
  }
  return lowered;
}

static runner_plugin_sql_value_t lower_value(const runner_value *value) {
  runner_plugin_sql_value_t lowered;
  memset(&lowered, 0, sizeof lowered);
  if (value->type != RUNNER_ARRAY) {
    lowered.val.scalar = lower_scalar(value);
    return lowered;
  }
  runner_plugin_sql_scalar_t *items = runner_alloc((value->count + 1) * sizeof *items);
  for (size_t i = 0; i < value->count; i++) items[i] = lower_scalar(&value->items[i]);
  lowered.tag = RUNNER_PLUGIN_SQL_VALUE_ARRAY;
  lowered.val.array.ptr = items;
  lowered.val.array.len = value->count;
  return lowered;
}

static runner_plugin_sql_statement_t lower(const runner_statement *statement) {
  size_t count = statement->count;
  runner_plugin_sql_value_t *values = runner_alloc((count + 1) * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = lower_value(&statement->parameters[i]);
  return (runner_plugin_sql_statement_t){
      .text = lend(statement->text ? statement->text : ""),
      .parameters = {values, count},
      .expect = {statement->expects, statement->expected},
  };
}

static runner_value keep_scalar(const runner_plugin_sql_scalar_t *scalar) {
  runner_value value = {.type = (runner_type)scalar->tag, .text = ""};
  switch (value.type) {
    case RUNNER_NULL: break;
    case RUNNER_BOOLEAN: value.integer = scalar->val.boolean; break;
    case RUNNER_INTEGER: value.integer = scalar->val.integer; break;
    case RUNNER_FLOAT: value.number = scalar->val.float_; break;
    case RUNNER_BYTES: {
      runner_bytes bytes = keep_bytes(scalar->val.bytes);
      value.text = bytes.text;
      value.len = bytes.len;
      break;
    }
    default:
      value.len = scalar->val.text.len;
      value.text = keep(scalar->val.text);
  }
  return value;
}

static runner_value keep_value(const runner_plugin_sql_value_t *value) {
  if (value->tag == RUNNER_PLUGIN_SQL_VALUE_SCALAR) return keep_scalar(&value->val.scalar);
  size_t count = value->val.array.len;
  runner_value *items = runner_alloc((count + 1) * sizeof *items);
  for (size_t i = 0; i < count; i++) items[i] = keep_scalar(&value->val.array.ptr[i]);
  if (count) free(value->val.array.ptr);
  return runner_sql_array(items, count);
}

static runner_rows keep_rows(runner_plugin_sql_rows_t *rows) {
  size_t columns = rows->columns.len, count = rows->rows.len;
  const char **names = runner_alloc((columns + 1) * sizeof *names);
  const char **kinds = runner_alloc((columns + 1) * sizeof *kinds);
  for (size_t i = 0; i < columns; i++) {
    names[i] = keep(rows->columns.ptr[i].name);
    kinds[i] = keep(rows->columns.ptr[i].kind);
  }
  if (columns) free(rows->columns.ptr);
  runner_value *values = runner_alloc((columns * count + 1) * sizeof *values);
  for (size_t row = 0; row < count; row++) {
    for (size_t i = 0; i < columns; i++) {
      values[row * columns + i] = keep_value(&rows->rows.ptr[row].ptr[i]);
    }
    if (columns) free(rows->rows.ptr[row].ptr);
  }
  if (count) free(rows->rows.ptr);
  return (runner_rows){names, kinds, columns, values, count, rows->affected};
}

static runner_sql_error failure = {NULL, NULL, -1, -1};

const runner_sql_error *runner_sql_failure(void) { return &failure; }

static bool refused(runner_plugin_sql_error_t *err) {
  static const char *const kinds[] = {"denied",   "invalid", "constraint", "expectation",
                                      "conflict", "limit",   "timeout",    "unavailable",
                                      "uncertain", "failed"};
  failure = (runner_sql_error){
      keep_option(err->code), keep_option(err->constraint),
      err->statement.is_some ? (int64_t)err->statement.val : -1,
      err->position.is_some ? (int64_t)err->position.val : -1,
  };
  return failed_as(kinds[err->kind], err->message);
}

bool runner_query(const char *database, const runner_statement *statement, runner_rows *rows) {
  plugin_string_t name = lend(database);
  runner_plugin_sql_statement_t lowered = lower(statement);
  uint32_t timeout = statement->timeout;
  runner_plugin_sql_rows_t got;
  runner_plugin_sql_error_t err;
  if (!runner_plugin_sql_query(&name, &lowered, timeout ? &timeout : NULL, &got, &err)) {
    return refused(&err);
  }
  *rows = keep_rows(&got);
  return true;
}

bool runner_execute(const char *database, const runner_statement *statement,
                    uint64_t *changed) {
  plugin_string_t name = lend(database);
  runner_plugin_sql_statement_t lowered = lower(statement);
  uint32_t timeout = statement->timeout;
  uint64_t got;
  runner_plugin_sql_error_t err;
  if (!runner_plugin_sql_execute(&name, &lowered, timeout ? &timeout : NULL, &got, &err)) {
    return refused(&err);
  }
  if (changed) *changed = got;
  return true;
}

bool runner_transaction(const char *database, const runner_statement *statements, size_t count,
                        runner_rows *results) {
  plugin_string_t name = lend(database);
  runner_plugin_sql_list_statement_t list = {runner_alloc((count + 1) * sizeof *list.ptr), count};
  for (size_t i = 0; i < count; i++) list.ptr[i] = lower(&statements[i]);
  uint32_t timeout = count ? statements[0].timeout : 0;
  runner_plugin_sql_list_rows_t got;
  runner_plugin_sql_error_t err;
  if (!runner_plugin_sql_transaction(&name, &list, timeout ? &timeout : NULL, &got, &err)) {
    return refused(&err);
  }
  for (size_t i = 0; i < got.len; i++) {
    runner_rows kept = keep_rows(&got.ptr[i]);
    if (results && i < count) results[i] = kept;
  }
  if (got.len) free(got.ptr);
  return true;
}

const runner_value *runner_cell(const runner_rows *rows, size_t row, const char *column) {
  for (size_t i = 0; row < rows->count && i < rows->column_count; i++) {
    if (!strcmp(rows->columns[i], column)) return &rows->values[row * rows->column_count + i];
  }
  return NULL;
}

/* ---- Keys ---- */

static bool unkept(runner_plugin_kv_error_t *err) {
  static const char *const kinds[] = {"denied", "invalid", "limit", "lost", "unavailable"};
  return failed_as(kinds[err->tag], err->val.invalid);
}

bool runner_kv_get(const char *key, runner_bytes *value, uint64_t *ttl) {
  plugin_string_t name = lend(key);
  runner_plugin_kv_option_entry_t got;
  runner_plugin_kv_error_t err;
  if (!runner_plugin_kv_get(&name, &got, &err)) return unkept(&err);
  *value = (runner_bytes){NULL, 0};
  if (got.is_some) *value = keep_bytes(got.val.value);
  if (ttl) *ttl = got.is_some && got.val.ttl.is_some ? got.val.ttl.val : 0;
  return true;
}

bool runner_kv_set(const char *key, const void *value, size_t len, uint64_t ttl) {
  plugin_string_t name = lend(key);
  plugin_list_u8_t bytes = lend_bytes(value, len);
  runner_plugin_kv_error_t err;
  return runner_plugin_kv_set(&name, &bytes, ttl ? &ttl : NULL, &err) || unkept(&err);
}

bool runner_kv_compare_and_set(const char *key, runner_bytes expected, runner_bytes value,
                               uint64_t ttl, bool *done) {
  plugin_string_t name = lend(key);
  plugin_list_u8_t before = lend_bytes(expected.text, expected.len);
  plugin_list_u8_t after = lend_bytes(value.text, value.len);
  runner_plugin_kv_error_t err;
  return runner_plugin_kv_compare_and_set(&name, expected.text ? &before : NULL,
                                          value.text ? &after : NULL, ttl ? &ttl : NULL, done,
                                          &err) ||
         unkept(&err);
}

bool runner_kv_increment(const char *key, int64_t by, uint64_t ttl, int64_t *sum) {
  plugin_string_t name = lend(key);
  int64_t got;
  runner_plugin_kv_error_t err;
  if (!runner_plugin_kv_increment(&name, by, ttl ? &ttl : NULL, &got, &err)) return unkept(&err);
  if (sum) *sum = got;
  return true;
}

bool runner_kv_expire(const char *key, uint64_t ttl, bool *held) {
  plugin_string_t name = lend(key);
  bool got;
  runner_plugin_kv_error_t err;
  if (!runner_plugin_kv_expire(&name, ttl ? &ttl : NULL, &got, &err)) return unkept(&err);
  if (held) *held = got;
  return true;
}

bool runner_kv_delete(const char *key, bool *held) {
  plugin_string_t name = lend(key);
  bool got;
  runner_plugin_kv_error_t err;
  if (!runner_plugin_kv_delete(&name, &got, &err)) return unkept(&err);
  if (held) *held = got;
  return true;
}

/* What a page holds at most. */
static uint32_t most(uint32_t limit) { return limit ? limit : 1000; }

bool runner_kv_keys(const char *prefix, const char *cursor, uint32_t limit, runner_keys *keys) {
  plugin_string_t begin = lend(prefix), from = lend(cursor ? cursor : "");
  runner_plugin_kv_page_t page;
  runner_plugin_kv_error_t err;
  if (!runner_plugin_kv_list_keys(&begin, cursor ? &from : NULL, most(limit), &page, &err)) {
    return unkept(&err);
  }
  const char **items = runner_alloc((page.keys.len + 1) * sizeof *items);
  for (size_t i = 0; i < page.keys.len; i++) items[i] = keep(page.keys.ptr[i]);
  if (page.keys.len) free(page.keys.ptr);
  *keys = (runner_keys){items, page.keys.len, keep_option(page.cursor)};
  return true;
}

/* ---- Objects ---- */

static bool unstored(runner_plugin_blobs_error_t *err) {
  static const char *const kinds[] = {"denied",    "not-found", "precondition", "invalid",
                                      "too-large", "timeout",   "unavailable"};
  return failed_as(kinds[err->tag], err->val.invalid);
}

static runner_object keep_object(runner_plugin_blobs_metadata_t *object) {
  return (runner_object){keep(object->key), object->size, object->modified,
                         keep_option(object->etag)};
}

static runner_plugin_blobs_write_options_t options(const runner_write *how) {
  runner_plugin_blobs_write_options_t lowered;
  memset(&lowered, 0, sizeof lowered);
  if (!how) return lowered;
  if (how->if_absent) lowered.condition.tag = RUNNER_PLUGIN_BLOBS_CONDITION_ABSENT;
  if (how->if_unchanged) {
    lowered.condition.tag = RUNNER_PLUGIN_BLOBS_CONDITION_UNCHANGED;
    lowered.condition.val.unchanged = lend(how->if_unchanged);
  }
  lowered.content_type.is_some = how->content_type != NULL;
  lowered.content_type.val = lend(how->content_type ? how->content_type : "");
  return lowered;
}

bool runner_blob_get(const char *store, const char *key, uint64_t offset, uint64_t length,
                     runner_bytes *content, runner_object *object) {
  plugin_string_t in = lend(store), name = lend(key);
  runner_plugin_blobs_range_t range = {offset, length};
  runner_plugin_blobs_content_t got;
  runner_plugin_blobs_error_t err;
  if (!runner_plugin_blobs_get(&in, &name, length ? &range : NULL, &got, &err)) {
    return unstored(&err);
  }
  *content = keep_bytes(got.bytes);
  runner_object known = keep_object(&got.object);
  if (object) *object = known;
  return true;
}

bool runner_blob_head(const char *store, const char *key, runner_object *object) {
  plugin_string_t in = lend(store), name = lend(key);
  runner_plugin_blobs_metadata_t got;
  runner_plugin_blobs_error_t err;
  if (!runner_plugin_blobs_head(&in, &name, &got, &err)) return unstored(&err);
  *object = keep_object(&got);
  return true;
}

bool runner_blob_put(const char *store, const char *key, const void *bytes, size_t len,
                     const runner_write *how, const char **etag) {
  plugin_string_t in = lend(store), name = lend(key);
  plugin_list_u8_t content = lend_bytes(bytes, len);
  runner_plugin_blobs_write_options_t lowered = options(how);
  plugin_option_string_t got;
  runner_plugin_blobs_error_t err;
  if (!runner_plugin_blobs_put(&in, &name, &content, &lowered, &got, &err)) {
    return unstored(&err);
  }
  const char *kept = keep_option(got);
  if (etag) *etag = kept;
  return true;
}

bool runner_blob_delete(const char *store, const char *key) {
  plugin_string_t in = lend(store), name = lend(key);
  runner_plugin_blobs_error_t err;
  return runner_plugin_blobs_delete(&in, &name, &err) || unstored(&err);
}

bool runner_blob_begin(const char *store, const char *key, const runner_write *how,
                       runner_upload *upload) {
  plugin_string_t in = lend(store), name = lend(key);
  runner_plugin_blobs_write_options_t lowered = options(how);
  runner_plugin_blobs_own_upload_t got;
  runner_plugin_blobs_error_t err;
  if (!runner_plugin_blobs_begin(&in, &name, &lowered, &got, &err)) return unstored(&err);
  upload->handle = got.__handle;
  return true;
}

static runner_plugin_blobs_own_upload_t own(const runner_upload *upload) {
  return (runner_plugin_blobs_own_upload_t){upload->handle};
}

bool runner_upload_append(runner_upload *upload, const void *bytes, size_t len) {
  plugin_list_u8_t content = lend_bytes(bytes, len);
  runner_plugin_blobs_error_t err;
  return runner_plugin_blobs_method_upload_append(runner_plugin_blobs_borrow_upload(own(upload)),
                                                  &content, &err) ||
         unstored(&err);
}

bool runner_upload_finish(runner_upload *upload, const char **etag) {
  plugin_option_string_t got;
  runner_plugin_blobs_error_t err;
  bool done = runner_plugin_blobs_method_upload_finish(
      runner_plugin_blobs_borrow_upload(own(upload)), &got, &err);
  runner_upload_abort(upload);
  if (!done) return unstored(&err);
  const char *kept = keep_option(got);
  if (etag) *etag = kept;
  return true;
}

void runner_upload_abort(runner_upload *upload) {
  if (upload->handle) runner_plugin_blobs_upload_drop_own(own(upload));
  upload->handle = 0;
}

bool runner_blob_list(const char *store, const char *prefix, const char *cursor, uint32_t limit,
                      runner_objects *objects) {
  plugin_string_t in = lend(store), begin = lend(prefix), from = lend(cursor ? cursor : "");
  runner_plugin_blobs_page_t page;
  runner_plugin_blobs_error_t err;
  if (!runner_plugin_blobs_list_objects(&in, &begin, cursor ? &from : NULL, most(limit), &page,
                                        &err)) {
    return unstored(&err);
  }
  runner_object *items = runner_alloc((page.objects.len + 1) * sizeof *items);
  for (size_t i = 0; i < page.objects.len; i++) items[i] = keep_object(&page.objects.ptr[i]);
  if (page.objects.len) free(page.objects.ptr);
  *objects = (runner_objects){items, page.objects.len, keep_option(page.cursor)};
  return true;
}

bool runner_blob_presign(const char *store, const char *key, bool write, uint32_t seconds,
                         const char **url) {
  plugin_string_t in = lend(store), name = lend(key), got;
  runner_plugin_blobs_error_t err;
  uint8_t access = write ? RUNNER_PLUGIN_BLOBS_ACCESS_WRITE : RUNNER_PLUGIN_BLOBS_ACCESS_READ;
  if (!runner_plugin_blobs_presign(&in, &name, access, seconds, &got, &err)) {
    return unstored(&err);
  }
  *url = keep(got);
  return true;
}
