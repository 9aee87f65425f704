/* The host's functions and the export of the plugin, over the bindings that wit-bindgen
 * made of the host API (plugin.h). */
#include "runner.h"
#include "plugin.h"
#include "runner_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Between the bindings' texts and ours ---- */

/* A text that the host only reads. */
static plugin_string_t lend_bytes(const char *text, size_t len) {
  plugin_string_t lent = {(uint8_t *)text, len};
  return lent;
}

static plugin_string_t lend(const char *text) { return lend_bytes(text, strlen(text)); }

static plugin_option_string_t lend_option(const char *text) {
  plugin_option_string_t lent = {text != NULL, text ? lend(text) : lend("")};
  return lent;
}

/* The host's text becomes the job's. */
static const char *keep(plugin_string_t text) {
  const char *copy = runner_copy(text.ptr, text.len);
  if (text.len) free(text.ptr);
  return copy;
}

static runner_pairs keep_pairs(plugin_list_tuple2_string_string_t list) {
  runner_pair *items = runner_alloc((list.len + 1) * sizeof *items);
  for (size_t i = 0; i < list.len; i++) {
    items[i].name = keep(list.ptr[i].f0);
    items[i].value = keep(list.ptr[i].f1);
  }
  if (list.len) free(list.ptr);
  return (runner_pairs){items, list.len};
}

/* ---- State of the attempt ---- */

static runner_job current;
static bool is_current;

static const char *error_text = "";
static const char *error_kind = "";

/* The failure or the result that was chosen. */
static struct {
  enum { NOTHING, RESULT, FAILURE } what;
  uint8_t tag;
  uint64_t ms;
  const char *text;
  size_t len;
} end;

void runner_set_error(const char *kind, const char *message) {
  error_kind = kind;
  error_text = message;
}

const char *runner_error(void) { return error_text; }
const char *runner_error_kind(void) { return error_kind; }

static bool failed_as(const char *kind, plugin_string_t text) {
  runner_set_error(kind, keep(text));
  return false;
}

/* ---- The job ---- */

static void fill(const runner_plugin_job_job_t *job) {
  current = (runner_job){
      .id = keep(job->id),
      .queue = keep(job->queue),
      .name = keep(job->name),
      .data_len = job->data.len,
      .data = keep(job->data),
      .attempt = job->attempt,
      .max_attempts = job->max_attempts,
      .added_at = job->added_at,
      .started_at = job->started_at,
      .priority = job->priority,
      .delay = job->delay,
  };
  if (job->request_id.is_some) current.request_id = keep(job->request_id.val);
  if (job->parent.is_some) {
    current.parent_id = keep(job->parent.val.id);
    current.parent_queue = keep(job->parent.val.queue);
  }
  is_current = true;
}

const runner_job *runner_current(void) {
  if (!is_current) {
    runner_plugin_job_job_t job;
    runner_plugin_job_current(&job);
    fill(&job);
  }
  return &current;
}

uint64_t runner_time_left(void) { return runner_plugin_job_time_left(); }

bool runner_update_data(const char *json) {
  plugin_string_t data = lend(json), err;
  return runner_plugin_job_update_data(&data, &err) || failed_as("", err);
}

/* ---- The end ---- */

bool runner_return_text(const char *json, size_t len) {
  end.what = RESULT;
  end.text = runner_copy(json, len);
  end.len = len;
  return true;
}

bool runner_return(const char *json, ...) {
  va_list arguments;
  va_start(arguments, json);
  end.what = RESULT;
  end.text = runner_vformat(json, arguments);
  end.len = strlen(end.text);
  va_end(arguments);
  return true;
}

static bool fail(uint8_t tag, uint64_t ms, const char *reason, va_list arguments) {
  end.what = FAILURE;
  end.tag = tag;
  end.ms = ms;
  end.text = runner_vformat(reason, arguments);
  end.len = strlen(end.text);
  return false;
}

#define FAIL(tag, ms)                    \
  va_list arguments;                     \
  va_start(arguments, reason);           \
  fail(RUNNER_PLUGIN_OUTCOME_FAILURE_##tag, ms, reason, arguments); \
  va_end(arguments);                     \
  return false

bool runner_retry(const char *reason, ...) { FAIL(RETRY, 0); }
bool runner_retry_after(uint64_t ms, const char *reason, ...) { FAIL(RETRY_AFTER, ms); }
bool runner_reject(const char *reason, ...) { FAIL(REJECT, 0); }
bool runner_snooze(uint64_t ms, const char *reason, ...) { FAIL(SNOOZE, ms); }
bool runner_rate_limit(uint64_t ms, const char *reason, ...) { FAIL(RATE_LIMIT, ms); }

bool runner_wait_children(void) {
  end.what = FAILURE;
  end.tag = RUNNER_PLUGIN_OUTCOME_FAILURE_WAIT_CHILDREN;
  end.text = "";
  end.len = 0;
  return false;
}

bool runner_fail(void) {
  static const char *const hopeless[] = {"denied",     "invalid",     "too-large",
                                         "unknown-queue", "limit",    "constraint",
                                         "expectation", "not-found",  "precondition"};
  for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++) {
    if (!strcmp(error_kind, hopeless[i])) return runner_reject("%s", error_text);
  }
  return runner_retry("%s", error_text);
}

/* The failure as the bindings have it; its text must be the allocator's, which frees it. */
static void give(runner_plugin_outcome_failure_t *err) {
  if (end.what != FAILURE) runner_retry("the handler returned false without a reason");
  plugin_string_t text = {malloc(end.len + 1), end.len};
  if (text.ptr) memcpy(text.ptr, end.text, end.len + 1);
  err->tag = end.tag;
  switch (end.tag) {
    case RUNNER_PLUGIN_OUTCOME_FAILURE_RETRY: err->val.retry = text; return;
    case RUNNER_PLUGIN_OUTCOME_FAILURE_REJECT: err->val.reject = text; return;
    case RUNNER_PLUGIN_OUTCOME_FAILURE_WAIT_CHILDREN: free(text.ptr); return;
    default:
      /* The other three have the same shape. */
      err->val.snooze.f0 = end.ms;
      err->val.snooze.f1 = text;
  }
}

/* The job is over: nothing of it stays for the next one. */
static void forget(void) {
  fflush(NULL);
  runner_free_all();
  is_current = false;
  end.what = NOTHING;
  end.text = NULL;
  runner_set_error("", "");
}

bool runner_typed(runner_plugin_outcome_failure_t *err, bool done) {
  if (!done) give(err);
  forget();
  return done;
}

/* stdout is line buffered: a reactor has no end at which the rest would be written. */
__attribute__((constructor)) static void buffer_lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

/* Where all jobs belong to the functions of a contract, nobody writes it. */
__attribute__((weak)) bool handle(const runner_job *job) {
  return runner_reject("no job is named %s", job->name);
}

bool exports_runner_plugin_handler_handle(exports_runner_plugin_handler_job_t *job,
                                          exports_runner_plugin_handler_option_json_t *ret,
                                          exports_runner_plugin_handler_failure_t *err) {
  fill(job);
  bool done = handle(&current);
  if (done) {
    ret->is_some = end.what == RESULT;
    if (ret->is_some) {
      ret->val.len = end.len;
      ret->val.ptr = malloc(end.len + 1);
      if (!ret->val.ptr) abort();
      memcpy(ret->val.ptr, end.text, end.len);
    }
  } else {
    give(err);
  }
  forget();
  return done;
}

/* ---- Log, progress, settings ---- */

void runner_log(runner_level level, const char *message, ...) {
  plugin_tuple2_string_string_t fields[32];
  size_t count = 0;
  va_list arguments;
  va_start(arguments, message);
  while (count < sizeof fields / sizeof *fields) {
    const char *name = va_arg(arguments, const char *);
    if (!name) break;
    const char *value = va_arg(arguments, const char *);
    fields[count].f0 = lend(name);
    fields[count++].f1 = lend(value ? value : "null");
  }
  va_end(arguments);
  plugin_string_t text = lend(message);
  plugin_list_tuple2_string_string_t list = {fields, count};
  fflush(stdout);
  runner_plugin_log_write((runner_plugin_log_level_t)level, &text, &list);
}

void runner_progress(double percent, const char *message) {
  plugin_string_t text = lend(message ? message : "");
  runner_plugin_progress_set(percent, message ? &text : NULL);
}

void runner_progress_json(const char *json) {
  plugin_string_t value = lend(json);
  runner_plugin_progress_set_json(&value);
}

const char *runner_config(const char *key) {
  plugin_string_t name = lend(key), value;
  return runner_plugin_config_get(&name, &value) ? keep(value) : NULL;
}

runner_pairs runner_config_all(void) {
  plugin_list_tuple2_string_string_t all;
  runner_plugin_config_get_all(&all);
  return keep_pairs(all);
}

const char *runner_secret(const char *name) {
  plugin_string_t of = lend(name), value;
  return runner_plugin_config_secret(&of, &value) ? keep(value) : NULL;
}

/* ---- HTTP ---- */

bool runner_http(const runner_request *request, runner_response *response) {
  size_t count = request->header_count;
  runner_plugin_http_header_t *headers = runner_alloc((count + 1) * sizeof *headers);
  for (size_t i = 0; i < count; i++) {
    headers[i].f0 = lend(request->headers[i].name);
    headers[i].f1 = lend(request->headers[i].value);
  }
  const char *body = request->body ? request->body : "";
  size_t body_len = request->body_len ? request->body_len : strlen(body);
  runner_plugin_http_request_t sent = {
      .method = lend(request->method ? request->method : "GET"),
      .url = lend(request->url ? request->url : ""),
      .headers = {headers, count},
      .body = {request->body != NULL, {(uint8_t *)body, body_len}},
      .timeout = {request->timeout != 0, request->timeout},
      .redirects = request->redirects,
      .idempotent = request->idempotent,
  };
  runner_plugin_http_response_t got;
  runner_plugin_http_error_t err;
  if (!runner_plugin_http_send(&sent, &got, &err)) {
    static const char *const kinds[] = {"denied", "invalid", "dns",       "connect",
                                        "tls",    "timeout", "too-large", "protocol"};
    return failed_as(kinds[err.tag], err.val.denied);
  }
  plugin_list_tuple2_string_string_t list = {(plugin_tuple2_string_string_t *)got.headers.ptr,
                                             got.headers.len};
  response->status = got.status;
  response->headers = keep_pairs(list);
  response->body_len = got.body.len;
  response->body = keep((plugin_string_t){got.body.ptr, got.body.len});
  response->url = keep(got.url);
  return true;
}

const char *runner_header(const runner_response *response, const char *name) {
  for (size_t i = 0; i < response->headers.count; i++) {
    if (!strcmp(response->headers.items[i].name, name)) return response->headers.items[i].value;
  }
  return NULL;
}

/* ---- Queues and flows ---- */

static runner_plugin_queue_option_keep_t keeping(runner_keep keep, uint64_t number) {
  runner_plugin_queue_option_keep_t option = {keep != RUNNER_KEEP_DEFAULT, {0}};
  if (!option.is_some) return option;
  option.val.tag = (uint8_t)(keep - RUNNER_KEEP_ALL);
  if (keep == RUNNER_KEEP_COUNT) {
    option.val.val.count = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
  } else if (keep == RUNNER_KEEP_AGE) {
    option.val.val.age = number;
  }
  return option;
}

static runner_plugin_queue_new_job_t lower(const runner_new_job *job) {
  const runner_deduplication *once = &job->deduplication;
  return (runner_plugin_queue_new_job_t){
      .name = lend(job->name ? job->name : ""),
      .data = lend(job->data ? job->data : "{}"),
      .options = {
          .id = lend_option(job->id),
          .delay = {job->delay != 0, job->delay},
          .priority = {job->priority != 0, job->priority},
          .lifo = job->lifo,
          .attempts = {job->attempts != 0, job->attempts},
          .backoff = {job->backoff != RUNNER_BACKOFF_DEFAULT,
                      {job->backoff == RUNNER_BACKOFF_EXPONENTIAL, job->backoff_delay,
                       job->backoff_jitter}},
          .remove_on_complete = keeping(job->remove_on_complete, job->complete_keeps),
          .remove_on_fail = keeping(job->remove_on_fail, job->fail_keeps),
          .size_limit = {job->size_limit != 0, job->size_limit},
          .deduplication = {once->id != NULL,
                            {lend(once->id ? once->id : ""), {once->ttl != 0, once->ttl},
                             once->extend, once->replace, once->keep_last_if_active,
                             once->reschedule}},
      },
  };
}

static bool not_added(runner_plugin_queue_error_t *err) {
  static const char *const kinds[] = {"unknown-queue", "invalid", "limit", "lost",
                                      "unavailable"};
  return failed_as(kinds[err->tag], err->val.invalid);
}

static void keep_ids(plugin_list_string_t list, const char **ids, size_t wanted) {
  for (size_t i = 0; i < list.len; i++) {
    const char *id = keep(list.ptr[i]);
    if (ids && i < wanted) ids[i] = id;
  }
  if (list.len) free(list.ptr);
}

static size_t flow_size(const runner_new_job *job) {
  size_t size = 1;
  for (size_t i = 0; i < job->child_count; i++) size += flow_size(&job->children[i]);
  return size;
}

/* A job and what is below it, parents first. */
static void flatten(const runner_new_job *job, const uint32_t *parent,
                    runner_plugin_queue_list_flow_job_t *flow) {
  uint32_t own = (uint32_t)flow->len++;
  uint8_t policy = (uint8_t)(job->on_failure - RUNNER_CHILD_FAIL);
  flow->ptr[own] = (runner_plugin_queue_flow_job_t){
      .queue = lend(job->queue ? job->queue : ""),
      .job = lower(job),
      .parent = {parent != NULL, parent ? *parent : 0},
      .on_failure = {job->on_failure != RUNNER_CHILD_WAIT, policy},
  };
  for (size_t i = 0; i < job->child_count; i++) flatten(&job->children[i], &own, flow);
}

static runner_plugin_queue_list_flow_job_t flow_of(const runner_new_job *jobs, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) size += flow_size(&jobs[i]);
  runner_plugin_queue_list_flow_job_t flow = {runner_alloc((size + 1) * sizeof *flow.ptr), 0};
  for (size_t i = 0; i < count; i++) flatten(&jobs[i], NULL, &flow);
  return flow;
}

bool runner_add(const runner_new_job *job, const char **id) {
  runner_plugin_queue_error_t err;
  if (job->child_count) {
    runner_plugin_queue_list_flow_job_t flow = flow_of(job, 1);
    plugin_list_string_t ids;
    if (!runner_plugin_queue_add_flow(&flow, &ids, &err)) return not_added(&err);
    keep_ids(ids, id, 1);
    return true;
  }
  plugin_string_t queue = lend(job->queue ? job->queue : ""), added;
  runner_plugin_queue_new_job_t lowered = lower(job);
  if (!runner_plugin_queue_add(&queue, &lowered, &added, &err)) return not_added(&err);
  const char *kept = keep(added);
  if (id) *id = kept;
  return true;
}

bool runner_add_bulk(const runner_new_job *jobs, size_t count, const char **ids) {
  if (count == 0) return true;
  runner_plugin_queue_new_job_t *lowered = runner_alloc(count * sizeof *lowered);
  for (size_t i = 0; i < count; i++) lowered[i] = lower(&jobs[i]);
  plugin_string_t queue = lend(jobs[0].queue ? jobs[0].queue : "");
  runner_plugin_queue_list_new_job_t list = {lowered, count};
  plugin_list_string_t added;
  runner_plugin_queue_error_t err;
  if (!runner_plugin_queue_add_bulk(&queue, &list, &added, &err)) return not_added(&err);
  keep_ids(added, ids, count);
  return true;
}

bool runner_add_children(const runner_new_job *jobs, size_t count) {
  runner_plugin_queue_list_flow_job_t flow = flow_of(jobs, count);
  plugin_list_string_t added;
  runner_plugin_queue_error_t err;
  if (!runner_plugin_queue_add_children(&flow, &added, &err)) return not_added(&err);
  keep_ids(added, NULL, 0);
  return true;
}

bool runner_children(runner_dependencies *counts) {
  runner_plugin_job_dependency_counts_t got;
  plugin_string_t err;
  if (!runner_plugin_job_dependencies(&got, &err)) return failed_as("", err);
  *counts = (runner_dependencies){got.processed, got.unprocessed, got.failed, got.ignored};
  return true;
}

bool runner_children_values(runner_pairs *values) {
  runner_plugin_job_list_tuple2_string_json_t got;
  plugin_string_t err;
  if (!runner_plugin_job_children_values(&got, &err)) return failed_as("", err);
  plugin_list_tuple2_string_string_t list = {(plugin_tuple2_string_string_t *)got.ptr, got.len};
  *values = keep_pairs(list);
  return true;
}

bool runner_ignored_failures(runner_pairs *reasons) {
  plugin_list_tuple2_string_string_t got;
  plugin_string_t err;
  if (!runner_plugin_job_ignored_failures(&got, &err)) return failed_as("", err);
  *reasons = keep_pairs(got);
  return true;
}

bool runner_failed_children(const char *const **keys, size_t *count) {
  plugin_list_string_t got;
  plugin_string_t err;
  if (!runner_plugin_job_failed_children(&got, &err)) return failed_as("", err);
  const char **kept = runner_alloc((got.len + 1) * sizeof *kept);
  *count = got.len;
  keep_ids(got, kept, got.len);
  *keys = kept;
  return true;
}

bool runner_remove_unprocessed_children(void) {
  plugin_string_t err;
  return runner_plugin_job_remove_unprocessed_children(&err) || failed_as("", err);
}

/* ---- Steps ---- */

const char *runner_step(const char *step) {
  plugin_string_t name = lend(step), value;
  return runner_plugin_checkpoint_get(&name, &value) ? keep(value) : NULL;
}

bool runner_step_done(const char *step, const char *json) {
  plugin_string_t name = lend(step), value = lend(json), err;
  return runner_plugin_checkpoint_put(&name, &value, &err) || failed_as("", err);
}
