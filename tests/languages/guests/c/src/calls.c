/* What the guest asks of Runner: the job, HTTP, settings. */
#include "guest.h"

#include <inttypes.h>
#include <string.h>

static bool describe(const runner_job *job) {
  const char *parent = "null";
  if (job->parent_id) {
    parent = runner_format("{\"id\":%s,\"queue\":%s}", runner_quote(job->parent_id),
                           runner_quote(job->parent_queue));
  }
  return runner_return(
      "{\"id\":%s,\"queue\":%s,\"name\":%s,\"attempt\":%u,\"maxAttempts\":%u,"
      "\"addedAt\":%" PRIu64 ",\"startedAt\":%" PRIu64 ",\"priority\":%u,\"delay\":%" PRIu64
      ",\"requestId\":%s,\"parent\":%s,\"timeLeft\":%" PRIu64 "}",
      runner_quote(job->id), runner_quote(job->queue), runner_quote(job->name),
      (unsigned)job->attempt, (unsigned)job->max_attempts, job->added_at, job->started_at,
      (unsigned)job->priority, job->delay, quoted(job->request_id), parent, runner_time_left());
}

static bool http(const runner_job *job) {
  runner_json data = runner_payload(job), given = runner_get(data, "headers");
  runner_pair headers[2];
  size_t count = 0;
  static const char *const names[] = {"x-shop", "content-type"};
  for (size_t i = 0; i < 2; i++) {
    const char *value = runner_string(runner_get(given, names[i]), NULL);
    if (value) headers[count++] = (runner_pair){names[i], value};
  }
  runner_request request = {
      .method = runner_string(runner_get(data, "method"), NULL),
      .url = text_of(job, "url"),
      .headers = headers,
      .header_count = count,
      .body = runner_string(runner_get(data, "body"), NULL),
      .timeout = (uint32_t)number_of(job, "timeout"),
      .redirects = (uint8_t)number_of(job, "redirects"),
  };
  runner_bool(runner_get(data, "idempotent"), &request.idempotent);
  runner_response response;
  if (!runner_http(&request, &response)) {
    return runner_return("{\"error\":%s,\"message\":%s}", runner_quote(runner_error_kind()),
                         runner_quote(runner_error()));
  }
  return runner_return("{\"status\":%d,\"body\":%s,\"answer\":%s}", response.status,
                       runner_quote_text(response.body, response.body_len),
                       quoted(runner_header(&response, "x-answer")));
}

static bool hold(const runner_job *job) {
  static uint64_t held;
  held = number_of(job, "n");
  runner_response response;
  if (!runner_http(&(runner_request){.url = text_of(job, "url")}, &response)) {
    return runner_fail();
  }
  runner_log(RUNNER_INFO, runner_format("holds %" PRIu64, held), NULL);
  return runner_return("{\"n\":%" PRIu64 "}", held);
}

static bool settings(void) {
  runner_pairs pairs = runner_config_all();
  const char *all = "", *token = runner_secret("TOKEN"), *limits = runner_config("limits");
  for (size_t i = 0; i < pairs.count; i++) {
    all = runner_format("%s%s%s:%s", all, i ? "," : "", runner_quote(pairs.items[i].name),
                        runner_quote(pairs.items[i].value));
  }
  return runner_return(
      "{\"sender\":%s,\"limits\":%s,\"missing\":%s,\"all\":{%s},\"token\":%zu,\"absent\":%s}",
      quoted(runner_config("sender")), limits ? limits : "null", quoted(runner_config("missing")),
      all, token ? strlen(token) : 0, quoted(runner_secret("ABSENT")));
}

/* The statements of the payload, in one transaction. */
static bool statements(const runner_job *job) {
  runner_json data = runner_payload(job), given = runner_get(data, "statements");
  size_t count = runner_count(given);
  runner_statement *all = runner_alloc((count + 1) * sizeof *all);
  runner_rows *results = runner_alloc((count + 1) * sizeof *results);
  for (size_t i = 0; i < count; i++) {
    runner_json of = runner_at(given, i), values = runner_get(of, "values");
    size_t length = runner_count(values);
    runner_value *parameters = runner_alloc((length + 1) * sizeof *parameters);
    for (size_t k = 0; k < length; k++) {
      int64_t number;
      runner_json value = runner_at(values, k);
      parameters[k] = runner_s64(value, &number)
                          ? runner_sql_integer(number)
                          : runner_sql(RUNNER_TEXT, runner_string(value, NULL));
    }
    all[i] = (runner_statement){.text = runner_string(runner_get(of, "text"), NULL),
                                .parameters = parameters, .count = length};
    all[i].expects = runner_u64(runner_get(of, "expect"), &all[i].expected);
  }
  const char *database = runner_string(runner_get(data, "database"), NULL);
  if (!runner_transaction(database ? database : "main", all, count, results)) {
    int64_t at = runner_sql_failure()->statement;
    return runner_return("{\"error\":%s,\"message\":%s,\"statement\":%s}",
                         runner_quote(runner_error_kind()), runner_quote(runner_error()),
                         at < 0 ? "null" : runner_format("%" PRId64, at));
  }
  const runner_rows *last = &results[count - 1];
  const char *rows = "";
  for (size_t row = 0; row < last->count; row++) {
    const char *line = "";
    for (size_t i = 0; i < last->column_count; i++) {
      const runner_value *value = &last->values[row * last->column_count + i];
      const char *text = value->type == RUNNER_INTEGER
                             ? runner_format("\"%" PRId64 "\"", value->integer)
                             : quoted(value->type == RUNNER_NULL ? NULL : value->text);
      line = runner_format("%s%s%s", line, i ? "," : "", text);
    }
    rows = runner_format("%s%s[%s]", rows, row ? "," : "", line);
  }
  return runner_return("{\"affected\":%" PRIu64 ",\"rows\":[%s]}", last->affected, rows);
}

bool calls(const runner_job *job) {
  if (IS("job")) return describe(job);
  if (IS("sql")) return statements(job);
  if (IS("http")) return http(job);
  if (IS("hold")) return hold(job);
  return settings();
}
