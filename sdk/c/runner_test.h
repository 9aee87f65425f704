/* runner_test.h - a host for unit tests that run on your machine, without Wasm.
 *
 *   #include "runner_test.h"   // in one file of the test, beside the plugin's own sources
 *
 *   int main(void) {
 *     runner_test_begin();
 *     runner_test_reply("GET", "https://api.example.com/weather/Oslo", 200, "rain");
 *     runner_ended ended = runner_test_run("forecast", "{\"city\": \"Oslo\"}");
 *     assert(ended.completed && !strcmp(ended.text, "\"rain\""));
 *     assert(!strcmp(runner_test_log(0), "info the weather is rain"));
 *   }
 *
 *   cc -I.runner/sdk -I.runner/out/bindings tests/test.c src/plugin.c .runner/sdk/runner.c .runner/sdk/json.c
 *
 * It knows no grants and no limits: those are Runner's, and `runner run` tries a component
 * under them. What it returns stays until the next runner_test_begin.
 */
#ifndef RUNNER_TEST_H
#define RUNNER_TEST_H

#include "plugin.h"
#include "runner.h"
#include "runner_test_reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a job ended. */
typedef struct runner_ended {
  bool completed;
  const char *outcome; /* "completed", "retry", "retry-after", "reject", "snooze",
                          "wait-children", "rate-limit" */
  const char *text;    /* the result ("null" for none) or the reason */
  uint64_t ms;         /* the delay of a failure that has one */
} runner_ended;

/* A request that was sent. */
typedef struct runner_sent {
  const char *method, *url, *body;
  const char *headers; /* "name: value\n" for each */
  bool idempotent;
} runner_sent;

/* A job that was added. */
typedef struct runner_added {
  const char *queue, *name, *data;
  bool is_child; /* of the current job */
} runner_added;

enum { RUNNER_TEST_MAX = 256 };

/* All that the host was told and asked. */
static struct {
  runner_pair settings[RUNNER_TEST_MAX], secrets[RUNNER_TEST_MAX], steps[RUNNER_TEST_MAX];
  runner_pair values[RUNNER_TEST_MAX], ignored[RUNNER_TEST_MAX];
  size_t setting_count, secret_count, step_count, value_count, ignored_count;
  struct {
    const char *method, *url, *body, *kind;
    int status;
    bool used;
  } replies[RUNNER_TEST_MAX];
  size_t reply_count;
  const char *logs[RUNNER_TEST_MAX];
  size_t log_count;
  runner_sent sent[RUNNER_TEST_MAX];
  size_t sent_count;
  runner_added added[RUNNER_TEST_MAX];
  size_t added_count, open_children;
  const char *progress, *updated;
  uint32_t attempt;
} runner_host;

static void runner_test_full(size_t count) {
  if (count < RUNNER_TEST_MAX) return;
  fprintf(stderr, "runner_test.h: more than %d of something\n", RUNNER_TEST_MAX);
  abort();
}

static char *runner_test_copy(const void *text, size_t len) {
  char *copy = (char *)malloc(len + 1);
  if (!copy) abort();
  if (len) memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

static plugin_string_t runner_test_text(const char *text) {
  plugin_string_t made = {(uint8_t *)runner_test_copy(text, strlen(text)), strlen(text)};
  return made;
}

static char *runner_test_take(plugin_string_t text) {
  return runner_test_copy(text.ptr, text.len);
}

static void runner_test_put(runner_pair *pairs, size_t *count, const char *name,
                            const char *value) {
  runner_test_full(*count);
  pairs[*count].name = name;
  pairs[(*count)++].value = value;
}

static bool runner_test_find(const runner_pair *pairs, size_t count, plugin_string_t *name,
                             plugin_string_t *ret) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(pairs[i].name) == name->len && !memcmp(pairs[i].name, name->ptr, name->len)) {
      *ret = runner_test_text(pairs[i].value);
      return true;
    }
  }
  return false;
}

/* ---- For tests ---- */

/* A new host: without settings, secrets or replies. */
static inline void runner_test_begin(void) {
  memset(&runner_host, 0, sizeof runner_host);
  runner_host.attempt = 1;
  runner_test_reach_begin();
}
/* Give the plugin a setting, a secret, a step of an earlier attempt. */
static inline void runner_test_config(const char *key, const char *value) {
  runner_test_put(runner_host.settings, &runner_host.setting_count, key, value);
}
static inline void runner_test_secret(const char *name, const char *value) {
  runner_test_put(runner_host.secrets, &runner_host.secret_count, name, value);
}
static inline void runner_test_step(const char *step, const char *json) {
  runner_test_put(runner_host.steps, &runner_host.step_count, step, json);
}
/* A child of the job has completed with this JSON, or failed and is ignored. */
static inline void runner_test_child(const char *key, const char *json) {
  runner_test_put(runner_host.values, &runner_host.value_count, key, json);
}
static inline void runner_test_ignored(const char *key, const char *reason) {
  runner_test_put(runner_host.ignored, &runner_host.ignored_count, key, reason);
}
/* Which attempt the next job is in; the first without. */
static inline void runner_test_attempt(uint32_t attempt) { runner_host.attempt = attempt; }

/* Answer one request. Several answers to the same URL are given in order. */
static inline void runner_test_reply(const char *method, const char *url, int status,
                                     const char *body) {
  size_t at = runner_host.reply_count++;
  runner_test_full(at);
  runner_host.replies[at].method = method;
  runner_host.replies[at].url = url;
  runner_host.replies[at].status = status;
  runner_host.replies[at].body = body;
}
/* Fail one request: kind is that of runner_http, such as "timeout". */
static inline void runner_test_refuse(const char *method, const char *url, const char *kind) {
  runner_test_reply(method, url, 0, "");
  runner_host.replies[runner_host.reply_count - 1].kind = kind;
}

/* The n-th line of the log, from 0, such as "info greeting name=Ada"; NULL beyond. */
static inline const char *runner_test_log(size_t n) {
  return n < runner_host.log_count ? runner_host.logs[n] : NULL;
}
/* The n-th request; NULL beyond. */
static inline const runner_sent *runner_test_sent(size_t n) {
  return n < runner_host.sent_count ? &runner_host.sent[n] : NULL;
}
/* The n-th job that was added; NULL beyond. */
static inline const runner_added *runner_test_added(size_t n) {
  return n < runner_host.added_count ? &runner_host.added[n] : NULL;
}
/* The last progress and the new payload, as JSON; NULL without. */
static inline const char *runner_test_progress(void) { return runner_host.progress; }
static inline const char *runner_test_updated(void) { return runner_host.updated; }

static void runner_test_job(runner_plugin_job_job_t *job, const char *name, const char *data) {
  memset(job, 0, sizeof *job);
  job->id = runner_test_text("1");
  job->queue = runner_test_text("test");
  job->name = runner_test_text(name);
  job->data = runner_test_text(data);
  job->attempt = runner_host.attempt;
  job->max_attempts = 3;
}

/* Run one job: id "1" of the queue "test", the first of three attempts. */
static inline runner_ended runner_test_run(const char *name, const char *data) {
  static const char *const outcomes[] = {"retry",  "retry-after",   "reject",
                                         "snooze", "wait-children", "rate-limit"};
  runner_plugin_job_job_t job;
  runner_test_job(&job, name, data);
  exports_runner_plugin_handler_option_json_t ret;
  exports_runner_plugin_handler_failure_t err;
  memset(&err, 0, sizeof err);
  runner_ended ended = {true, "completed", "null", 0};
  if (exports_runner_plugin_handler_handle(&job, &ret, &err)) {
    if (ret.is_some) ended.text = runner_test_take(ret.val);
    return ended;
  }
  ended.completed = false;
  ended.outcome = outcomes[err.tag];
  switch (err.tag) {
    case RUNNER_PLUGIN_OUTCOME_FAILURE_RETRY:
    case RUNNER_PLUGIN_OUTCOME_FAILURE_REJECT: ended.text = runner_test_take(err.val.retry); break;
    case RUNNER_PLUGIN_OUTCOME_FAILURE_WAIT_CHILDREN:
      ended.text = "the children are not done";
      break;
    default:
      ended.text = runner_test_take(err.val.snooze.f1);
      ended.ms = err.val.snooze.f0;
  }
  return ended;
}

/* ---- The host's functions, as the SDK calls them ---- */

void runner_plugin_job_current(runner_plugin_job_job_t *ret) { runner_test_job(ret, "test", "{}"); }
uint64_t runner_plugin_job_time_left(void) { return 60000; }

bool runner_plugin_job_update_data(runner_plugin_job_json_t *data, plugin_string_t *err) {
  (void)err;
  runner_host.updated = runner_test_take(*data);
  return true;
}

static void *runner_test_pairs(const runner_pair *pairs, size_t count) {
  plugin_tuple2_string_string_t *made =
      (plugin_tuple2_string_string_t *)malloc((count + 1) * sizeof *made);
  if (!made) abort();
  for (size_t i = 0; i < count; i++) {
    made[i].f0 = runner_test_text(pairs[i].name);
    made[i].f1 = runner_test_text(pairs[i].value);
  }
  return made;
}

bool runner_plugin_job_children_values(runner_plugin_job_list_tuple2_string_json_t *ret,
                                       plugin_string_t *err) {
  (void)err;
  ret->len = runner_host.value_count;
  ret->ptr = (runner_plugin_job_tuple2_string_json_t *)runner_test_pairs(runner_host.values,
                                                                        ret->len);
  return true;
}

bool runner_plugin_job_ignored_failures(plugin_list_tuple2_string_string_t *ret,
                                        plugin_string_t *err) {
  (void)err;
  ret->len = runner_host.ignored_count;
  ret->ptr = (plugin_tuple2_string_string_t *)runner_test_pairs(runner_host.ignored, ret->len);
  return true;
}

bool runner_plugin_job_failed_children(plugin_list_string_t *ret, plugin_string_t *err) {
  (void)err;
  ret->len = 0;
  ret->ptr = NULL;
  return true;
}

bool runner_plugin_job_dependencies(runner_plugin_job_dependency_counts_t *ret,
                                    plugin_string_t *err) {
  (void)err;
  memset(ret, 0, sizeof *ret);
  ret->processed = runner_host.value_count;
  ret->unprocessed = runner_host.open_children;
  ret->ignored = runner_host.ignored_count;
  return true;
}

bool runner_plugin_job_remove_unprocessed_children(plugin_string_t *err) {
  (void)err;
  runner_host.open_children = 0;
  return true;
}

void runner_plugin_log_write(runner_plugin_log_level_t level, plugin_string_t *message,
                             plugin_list_tuple2_string_string_t *fields) {
  static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
  size_t room = message->len + 16;
  for (size_t i = 0; i < fields->len; i++) room += fields->ptr[i].f0.len + fields->ptr[i].f1.len + 2;
  char *line = (char *)malloc(room);
  if (!line) abort();
  int len = snprintf(line, room, "%s %.*s", levels[level], (int)message->len,
                     (const char *)message->ptr);
  for (size_t i = 0; i < fields->len; i++) {
    plugin_string_t name = fields->ptr[i].f0, value = fields->ptr[i].f1;
    len += snprintf(line + len, room - (size_t)len, " %.*s=%.*s", (int)name.len,
                    (const char *)name.ptr, (int)value.len, (const char *)value.ptr);
  }
  runner_test_full(runner_host.log_count);
  runner_host.logs[runner_host.log_count++] = line;
}

void runner_plugin_progress_set(double percent, plugin_string_t *maybe_message) {
  char text[64];
  snprintf(text, sizeof text, "%g", percent);
  runner_host.progress = runner_test_copy(text, strlen(text));
  if (maybe_message) {
    size_t room = strlen(text) + maybe_message->len + 40;
    char *json = (char *)malloc(room);
    if (!json) abort();
    snprintf(json, room, "{\"percent\":%s,\"message\":\"%.*s\"}", text, (int)maybe_message->len,
             (const char *)maybe_message->ptr);
    runner_host.progress = json;
  }
}

void runner_plugin_progress_set_json(runner_plugin_progress_json_t *value) {
  runner_host.progress = runner_test_take(*value);
}

bool runner_plugin_config_get(plugin_string_t *key, plugin_string_t *ret) {
  return runner_test_find(runner_host.settings, runner_host.setting_count, key, ret);
}

void runner_plugin_config_get_all(plugin_list_tuple2_string_string_t *ret) {
  ret->len = runner_host.setting_count;
  ret->ptr = (plugin_tuple2_string_string_t *)runner_test_pairs(runner_host.settings, ret->len);
}

bool runner_plugin_config_secret(plugin_string_t *name, plugin_string_t *ret) {
  return runner_test_find(runner_host.secrets, runner_host.secret_count, name, ret);
}

bool runner_plugin_http_send(runner_plugin_http_request_t *request,
                             runner_plugin_http_response_t *ret, runner_plugin_http_error_t *err) {
  static const char *const kinds[] = {"denied", "invalid", "dns",       "connect",
                                      "tls",    "timeout", "too-large", "protocol"};
  size_t at = runner_host.sent_count++;
  runner_test_full(at);
  runner_sent *sent = &runner_host.sent[at];
  sent->method = runner_test_take(request->method);
  sent->url = runner_test_take(request->url);
  sent->body = runner_test_copy(request->body.val.ptr, request->body.is_some ? request->body.val.len : 0);
  sent->idempotent = request->idempotent;
  size_t room = 1;
  for (size_t i = 0; i < request->headers.len; i++) {
    room += request->headers.ptr[i].f0.len + request->headers.ptr[i].f1.len + 3;
  }
  char *headers = (char *)calloc(1, room);
  if (!headers) abort();
  for (size_t i = 0, len = 0; i < request->headers.len; i++) {
    plugin_string_t name = request->headers.ptr[i].f0, value = request->headers.ptr[i].f1;
    len += (size_t)snprintf(headers + len, room - len, "%.*s: %.*s\n", (int)name.len,
                            (const char *)name.ptr, (int)value.len, (const char *)value.ptr);
  }
  sent->headers = headers;
  for (size_t i = 0; i < runner_host.reply_count; i++) {
    if (runner_host.replies[i].used || strcmp(runner_host.replies[i].method, sent->method) ||
        strcmp(runner_host.replies[i].url, sent->url)) {
      continue;
    }
    runner_host.replies[i].used = true;
    const char *kind = runner_host.replies[i].kind;
    if (kind) {
      err->tag = 0;
      for (uint8_t k = 0; k < 8; k++) {
        if (!strcmp(kinds[k], kind)) err->tag = k;
      }
      err->val.denied = runner_test_text(kind);
      return false;
    }
    memset(ret, 0, sizeof *ret);
    ret->status = (uint16_t)runner_host.replies[i].status;
    plugin_string_t body = runner_test_text(runner_host.replies[i].body);
    ret->body.ptr = body.ptr;
    ret->body.len = body.len;
    ret->url = runner_test_text(sent->url);
    return true;
  }
  fprintf(stderr, "runner_test.h: no reply for %s %s\n", sent->method, sent->url);
  abort();
}

static plugin_string_t runner_test_note(plugin_string_t queue, runner_plugin_queue_new_job_t *job,
                                        bool is_child) {
  size_t at = runner_host.added_count++;
  runner_test_full(at);
  runner_added *added = &runner_host.added[at];
  added->queue = runner_test_take(queue);
  added->name = runner_test_take(job->name);
  added->data = runner_test_take(job->data);
  added->is_child = is_child;
  char id[32];
  snprintf(id, sizeof id, "%zu", at + 1);
  return job->options.id.is_some ? runner_test_text(runner_test_take(job->options.id.val))
                                 : runner_test_text(id);
}

bool runner_plugin_queue_add(plugin_string_t *queue, runner_plugin_queue_new_job_t *job,
                             plugin_string_t *ret, runner_plugin_queue_error_t *err) {
  (void)err;
  *ret = runner_test_note(*queue, job, false);
  return true;
}

bool runner_plugin_queue_add_bulk(plugin_string_t *queue, runner_plugin_queue_list_new_job_t *jobs,
                                  plugin_list_string_t *ret, runner_plugin_queue_error_t *err) {
  (void)err;
  ret->len = jobs->len;
  ret->ptr = (plugin_string_t *)malloc((jobs->len + 1) * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (size_t i = 0; i < jobs->len; i++) ret->ptr[i] = runner_test_note(*queue, &jobs->ptr[i], false);
  return true;
}

static bool runner_test_flow(runner_plugin_queue_list_flow_job_t *jobs, plugin_list_string_t *ret,
                             bool of_current) {
  ret->len = jobs->len;
  ret->ptr = (plugin_string_t *)malloc((jobs->len + 1) * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (size_t i = 0; i < jobs->len; i++) {
    runner_plugin_queue_flow_job_t *job = &jobs->ptr[i];
    bool is_child = of_current && !job->parent.is_some;
    ret->ptr[i] = runner_test_note(job->queue, &job->job, is_child);
    if (is_child) runner_host.open_children++;
  }
  return true;
}

bool runner_plugin_queue_add_flow(runner_plugin_queue_list_flow_job_t *jobs,
                                  plugin_list_string_t *ret, runner_plugin_queue_error_t *err) {
  (void)err;
  return runner_test_flow(jobs, ret, false);
}

bool runner_plugin_queue_add_children(runner_plugin_queue_list_flow_job_t *jobs,
                                      plugin_list_string_t *ret,
                                      runner_plugin_queue_error_t *err) {
  (void)err;
  return runner_test_flow(jobs, ret, true);
}

bool runner_plugin_checkpoint_get(plugin_string_t *step, runner_plugin_checkpoint_json_t *ret) {
  return runner_test_find(runner_host.steps, runner_host.step_count, step, ret);
}

bool runner_plugin_checkpoint_put(plugin_string_t *step, runner_plugin_checkpoint_json_t *value,
                                  plugin_string_t *err) {
  (void)err;
  runner_test_step(runner_test_take(*step), runner_test_take(*value));
  return true;
}

#endif
