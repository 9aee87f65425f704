/* Databases, keys and objects on this machine, against the host of runner_test.h. */
#undef NDEBUG
#include "runner_test.h"

#include <assert.h>

#define IS(text) (!strcmp(job->name, text))

static bool sql(void) {
  runner_value list[] = {runner_sql_integer(1), runner_sql(RUNNER_NULL, NULL)};
  runner_value parameters[] = {
      runner_sql_integer(INT64_MIN), runner_sql(RUNNER_UUID, "u"), runner_sql_float(0.5),
      runner_sql_boolean(true), runner_sql_bytes("a\0b", 3), runner_sql_array(list, 2),
      runner_sql(RUNNER_TEXT, NULL),
  };
  runner_statement open = {.text = "select id, total, note from invoices", .parameters = parameters,
                           .count = 7, .timeout = 500};
  runner_rows rows;
  if (!runner_query("main", &open, &rows)) return runner_fail();
  const runner_value *id = runner_cell(&rows, 1, "id");
  assert(rows.count == 2 && rows.affected == 2 && rows.column_count == 3);
  assert(id->type == RUNNER_INTEGER && id->integer == 8);
  assert(runner_cell(&rows, 0, "note")->type == RUNNER_NULL);
  assert(!runner_cell(&rows, 0, "missing") && !runner_cell(&rows, 2, "id"));
  return runner_return("%s", runner_quote(runner_cell(&rows, 0, "total")->text));
}

static bool transaction(void) {
  runner_statement both[] = {
      {.text = "update stock", .expects = true, .expected = 1},
      {.text = "insert into orders"},
  };
  runner_rows results[2];
  if (!runner_transaction("main", both, 2, results)) {
    assert(runner_sql_failure()->statement == 0 && runner_sql_failure()->position == -1);
    return runner_fail();
  }
  assert(results[0].affected == 1 && results[1].affected == 3);
  return true;
}

static bool keys(void) {
  runner_bytes value;
  uint64_t ttl;
  int64_t sum;
  bool done;
  if (!runner_kv_get("a", &value, &ttl)) return runner_fail();
  assert(!value.text && ttl == 0);
  if (!runner_kv_set("a", "x", 1, 1000)) return runner_fail();
  runner_test_advance(400);
  assert(runner_kv_get("a", &value, &ttl) && !strcmp(value.text, "x") && ttl == 600);
  runner_test_advance(600);
  assert(runner_kv_get("a", &value, NULL) && !value.text);
  assert(runner_kv_increment("n", 2, 10, &sum) && sum == 2);
  assert(runner_kv_increment("n", -5, 0, &sum) && sum == -3);
  runner_test_advance(10);
  assert(runner_kv_increment("n", 1, 0, &sum) && sum == 1);
  runner_bytes none = {NULL, 0}, one = {"1", 1}, two = {"2", 1};
  assert(runner_kv_compare_and_set("n", two, one, 0, &done) && !done);
  assert(runner_kv_compare_and_set("n", one, none, 0, &done) && done);
  assert(runner_kv_compare_and_set("c", none, two, 0, &done) && done);
  assert(runner_kv_expire("c", 5, &done) && done && runner_kv_expire("n", 0, &done) && !done);
  assert(runner_kv_delete("c", &done) && done);
  runner_keys page;
  for (int i = 3; i > 0; i--) assert(runner_kv_set(runner_format("k/%d", i), "", 0, 0));
  assert(runner_kv_keys("k/", NULL, 2, &page) && page.count == 2 && !strcmp(page.cursor, "k/2"));
  assert(runner_kv_keys("k/", page.cursor, 2, &page) && page.count == 1 && !page.cursor);
  return true;
}

static bool objects(void) {
  const char *etag;
  runner_write new_one = {.if_absent = true, .content_type = "text/plain"};
  if (!runner_blob_put("box", "a", "hello", 5, &new_one, &etag)) return runner_fail();
  runner_bytes content;
  runner_object object;
  assert(runner_blob_get("box", "a", 1, 3, &content, &object));
  assert(!strcmp(content.text, "ell") && object.size == 5 && !strcmp(object.etag, etag));
  assert(!runner_blob_put("box", "a", "", 0, &new_one, NULL));
  assert(!strcmp(runner_error_kind(), "precondition"));
  runner_write same = {.if_unchanged = etag};
  assert(runner_blob_put("box", "a", "bye", 3, &same, NULL));
  runner_upload upload, other;
  assert(runner_blob_begin("box", "big", NULL, &upload));
  assert(runner_upload_append(&upload, "one ", 4) && runner_upload_append(&upload, "two", 3));
  assert(!runner_test_blob("box", "big"));
  assert(runner_upload_finish(&upload, &etag) && etag);
  assert(!strcmp(runner_test_blob("box", "big"), "one two"));
  assert(runner_blob_begin("box", "none", NULL, &other));
  runner_upload_abort(&other);
  runner_upload_abort(&other);
  runner_objects page;
  assert(runner_blob_list("box", "", NULL, 0, &page) && page.count == 2 && !page.cursor);
  assert(!strcmp(page.items[1].key, "big") && runner_blob_head("box", "big", &object));
  const char *url;
  assert(runner_blob_presign("box", "a", true, 60, &url));
  assert(!strcmp(url, "https://box.test/a?access=write&seconds=60"));
  assert(runner_blob_delete("box", "a"));
  assert(!runner_blob_get("box", "a", 0, 0, &content, NULL));
  return runner_fail();
}

bool handle(const runner_job *job) {
  if (IS("sql")) return sql();
  if (IS("transaction")) return transaction();
  if (IS("keys")) return keys();
  return objects();
}

static void ends(const char *name, const char *outcome, const char *text) {
  runner_ended ended = runner_test_run(name, "{}");
  assert(!strcmp(ended.outcome, outcome) && !strcmp(ended.text, text));
}

int main(void) {
  static const char *const columns[] = {"id", "total", "note"};
  runner_value values[] = {
      runner_sql_integer(7), runner_sql(RUNNER_NUMERIC, "12.340"), runner_sql(RUNNER_TEXT, NULL),
      runner_sql_integer(8), runner_sql(RUNNER_NUMERIC, "0"), runner_sql(RUNNER_TEXT, "x"),
  };
  runner_test_begin();
  runner_test_rows("main", "from invoices", columns, 3, values, 2);
  ends("sql", "completed", "\"12.340\"");
  const runner_asked *asked = runner_test_asked(0);
  assert(asked->count == 7 && asked->parameters[0].integer == INT64_MIN);
  assert(asked->parameters[1].type == RUNNER_UUID && !strcmp(asked->parameters[1].text, "u"));
  assert(asked->parameters[4].len == 3 && asked->parameters[5].count == 2);
  assert(asked->parameters[6].type == RUNNER_NULL && !runner_test_asked(1));

  runner_test_changed("main", "update stock", 1);
  runner_test_changed("main", "insert", 3);
  ends("transaction", "completed", "null");
  runner_test_changed("main", "update stock", 0);
  ends("transaction", "reject", "expectation");
  assert(runner_test_unrun() == 0);
  static const char *const retried[] = {"conflict", "timeout", "unavailable", "uncertain", "failed"};
  for (size_t i = 0; i < 5; i++) {
    runner_test_begin();
    runner_test_sql_refuse("main", "select", retried[i]);
    ends("sql", "retry", retried[i]);
  }
  runner_test_begin();
  runner_test_sql_refuse("main", "select", "constraint");
  ends("sql", "reject", "constraint");

  ends("keys", "completed", "null");
  runner_test_kv_refuse("lost");
  ends("keys", "retry", "lost");
  runner_test_kv_refuse("limit");
  ends("keys", "reject", "limit");

  ends("objects", "reject", "not-found");
  runner_test_begin();
  runner_test_blob_refuse("unavailable");
  ends("objects", "retry", "unavailable");
  puts("ok");
  return 0;
}
