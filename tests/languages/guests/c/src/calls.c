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

bool calls(const runner_job *job) {
  if (IS("job")) return describe(job);
  if (IS("http")) return http(job);
  if (IS("hold")) return hold(job);
  return settings();
}
