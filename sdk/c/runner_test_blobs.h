/* runner_test_blobs.h - the objects of the host of runner_test.h; runner_test_reach.h includes
 * it. */
#ifndef RUNNER_TEST_BLOBS_H
#define RUNNER_TEST_BLOBS_H

static bool runner_reach_no_blob(const char *kind, runner_plugin_blobs_error_t *err) {
  static const char *const kinds[] = {"denied",    "not-found", "precondition", "invalid",
                                      "too-large", "timeout",   "unavailable"};
  err->tag = runner_reach_kind(kinds, 7, kind);
  err->val.denied = runner_reach_text(kind, strlen(kind));
  return false;
}

#define RUNNER_REACH_BLOB()                                                           \
  if (runner_reach.blob_kind) return runner_reach_no_blob(runner_reach.blob_kind, err)

/* A free place for an object. */
static int runner_reach_blob(plugin_string_t *store, plugin_string_t *key) {
  for (int i = 0; i < RUNNER_TEST_REACH_MAX; i++) {
    if (runner_reach.blobs[i].store) continue;
    runner_reach.blobs[i].store = runner_reach_copy(store->ptr, store->len);
    runner_reach.blobs[i].key = runner_reach_copy(key->ptr, key->len);
    runner_reach.blobs[i].bytes = runner_reach_copy("", 0);
    runner_reach.blobs[i].len = 0;
    runner_reach.blobs[i].open = true;
    return i;
  }
  abort();
}

static int runner_reach_find(plugin_string_t *store, plugin_string_t *key) {
  return runner_test_blob_at((const char *)store->ptr, store->len, (const char *)key->ptr, key->len);
}

static void runner_reach_append(int at, plugin_list_u8_t *bytes) {
  size_t before = runner_reach.blobs[at].len;
  char *all = (char *)realloc(runner_reach.blobs[at].bytes, before + bytes->len + 1);
  if (!all) abort();
  if (bytes->len) memcpy(all + before, bytes->ptr, bytes->len);
  all[before + bytes->len] = 0;
  runner_reach.blobs[at].bytes = all;
  runner_reach.blobs[at].len = before + bytes->len;
}

/* What is written takes the place of what was there. */
static plugin_option_string_t runner_reach_done(int at) {
  const char *store = runner_reach.blobs[at].store, *key = runner_reach.blobs[at].key;
  int before = runner_test_blob_at(store, strlen(store), key, strlen(key));
  if (before >= 0) runner_reach.blobs[before].store = NULL;
  runner_reach.blobs[at].open = false;
  runner_reach.blobs[at].etag = ++runner_reach.written;
  char etag[16];
  int len = snprintf(etag, sizeof etag, "%d", runner_reach.written);
  plugin_option_string_t made = {true, runner_reach_text(etag, (size_t)len)};
  return made;
}

static bool runner_reach_may(plugin_string_t *store, plugin_string_t *key,
                             runner_plugin_blobs_write_options_t *options) {
  int at = runner_reach_find(store, key);
  char etag[16];
  snprintf(etag, sizeof etag, "%d", at < 0 ? 0 : runner_reach.blobs[at].etag);
  switch (options->condition.tag) {
    case RUNNER_PLUGIN_BLOBS_CONDITION_ABSENT: return at < 0;
    case RUNNER_PLUGIN_BLOBS_CONDITION_UNCHANGED:
      return at >= 0 && options->condition.val.unchanged.len == strlen(etag) &&
             !memcmp(options->condition.val.unchanged.ptr, etag, strlen(etag));
    default: return true;
  }
}

static runner_plugin_blobs_metadata_t runner_reach_known(int at) {
  runner_plugin_blobs_metadata_t known;
  memset(&known, 0, sizeof known);
  known.key = runner_reach_text(runner_reach.blobs[at].key, strlen(runner_reach.blobs[at].key));
  known.size = runner_reach.blobs[at].len;
  char etag[16];
  int len = snprintf(etag, sizeof etag, "%d", runner_reach.blobs[at].etag);
  known.etag.is_some = true;
  known.etag.val = runner_reach_text(etag, (size_t)len);
  return known;
}

bool runner_plugin_blobs_get(plugin_string_t *store, plugin_string_t *key,
                             runner_plugin_blobs_range_t *maybe_range,
                             runner_plugin_blobs_content_t *ret,
                             runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  int at = runner_reach_find(store, key);
  if (at < 0) return runner_reach_no_blob("not-found", err);
  size_t from = 0, to = runner_reach.blobs[at].len;
  if (maybe_range) {
    from = maybe_range->offset > to ? to : (size_t)maybe_range->offset;
    to = maybe_range->length > to - from ? to : from + (size_t)maybe_range->length;
  }
  ret->bytes.len = to - from;
  ret->bytes.ptr = (uint8_t *)runner_reach_copy(runner_reach.blobs[at].bytes + from, to - from);
  ret->object = runner_reach_known(at);
  return true;
}

bool runner_plugin_blobs_head(plugin_string_t *store, plugin_string_t *key,
                              runner_plugin_blobs_metadata_t *ret,
                              runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  int at = runner_reach_find(store, key);
  if (at < 0) return runner_reach_no_blob("not-found", err);
  *ret = runner_reach_known(at);
  return true;
}

bool runner_plugin_blobs_put(plugin_string_t *store, plugin_string_t *key, plugin_list_u8_t *bytes,
                             runner_plugin_blobs_write_options_t *options,
                             plugin_option_string_t *ret, runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  if (!runner_reach_may(store, key, options)) return runner_reach_no_blob("precondition", err);
  int at = runner_reach_blob(store, key);
  runner_reach_append(at, bytes);
  *ret = runner_reach_done(at);
  return true;
}

bool runner_plugin_blobs_begin(plugin_string_t *store, plugin_string_t *key,
                               runner_plugin_blobs_write_options_t *options,
                               runner_plugin_blobs_own_upload_t *ret,
                               runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  if (!runner_reach_may(store, key, options)) return runner_reach_no_blob("precondition", err);
  ret->__handle = runner_reach_blob(store, key) + 1;
  return true;
}

runner_plugin_blobs_borrow_upload_t runner_plugin_blobs_borrow_upload(
    runner_plugin_blobs_own_upload_t handle) {
  runner_plugin_blobs_borrow_upload_t borrowed = {handle.__handle};
  return borrowed;
}

bool runner_plugin_blobs_method_upload_append(runner_plugin_blobs_borrow_upload_t self,
                                              plugin_list_u8_t *bytes,
                                              runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  runner_reach_append(self.__handle - 1, bytes);
  return true;
}

bool runner_plugin_blobs_method_upload_finish(runner_plugin_blobs_borrow_upload_t self,
                                              plugin_option_string_t *ret,
                                              runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  *ret = runner_reach_done(self.__handle - 1);
  return true;
}

void runner_plugin_blobs_upload_drop_own(runner_plugin_blobs_own_upload_t handle) {
  if (runner_reach.blobs[handle.__handle - 1].open) {
    runner_reach.blobs[handle.__handle - 1].store = NULL;
  }
}

bool runner_plugin_blobs_delete(plugin_string_t *store, plugin_string_t *key,
                                runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  int at = runner_reach_find(store, key);
  if (at >= 0) runner_reach.blobs[at].store = NULL;
  return true;
}

bool runner_plugin_blobs_list_objects(plugin_string_t *store, plugin_string_t *prefix,
                                      plugin_string_t *maybe_cursor, uint32_t limit,
                                      runner_plugin_blobs_page_t *ret,
                                      runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  const char *names[RUNNER_TEST_REACH_MAX];
  size_t count = 0;
  char *cursor = maybe_cursor ? runner_reach_copy(maybe_cursor->ptr, maybe_cursor->len) : NULL;
  for (int i = 0; i < RUNNER_TEST_REACH_MAX; i++) {
    const char *in = runner_reach.blobs[i].store, *key = runner_reach.blobs[i].key;
    if (!in || runner_reach.blobs[i].open || strlen(in) != store->len || memcmp(in, store->ptr, store->len)) {
      continue;
    }
    if (!strncmp(key, (const char *)prefix->ptr, prefix->len) && (!cursor || strcmp(key, cursor) > 0)) {
      names[count++] = key;
    }
  }
  qsort(names, count, sizeof *names, runner_reach_by_name);
  memset(ret, 0, sizeof *ret);
  ret->objects.len = count > limit ? limit : count;
  ret->objects.ptr = (runner_plugin_blobs_metadata_t *)calloc(ret->objects.len + 1, sizeof *ret->objects.ptr);
  if (!ret->objects.ptr) abort();
  for (size_t i = 0; i < ret->objects.len; i++) {
    plugin_string_t name = {(uint8_t *)names[i], strlen(names[i])};
    ret->objects.ptr[i] = runner_reach_known(runner_reach_find(store, &name));
  }
  ret->cursor.is_some = count > limit;
  if (count > limit) ret->cursor.val = runner_reach_text(names[limit - 1], strlen(names[limit - 1]));
  free(cursor);
  return true;
}

bool runner_plugin_blobs_presign(plugin_string_t *store, plugin_string_t *key,
                                 runner_plugin_blobs_access_t access, uint32_t seconds,
                                 plugin_string_t *ret, runner_plugin_blobs_error_t *err) {
  RUNNER_REACH_BLOB();
  char url[512];
  int len = snprintf(url, sizeof url, "https://%.*s.test/%.*s?access=%s&seconds=%u", (int)store->len,
                     (const char *)store->ptr, (int)key->len, (const char *)key->ptr,
                     access == RUNNER_PLUGIN_BLOBS_ACCESS_WRITE ? "write" : "read", seconds);
  *ret = runner_reach_text(url, (size_t)len);
  return true;
}

#endif
