/* runner.h - write Runner plugins in C, C++ or Zig.
 *
 * A plugin is one function, `handle`, which works on one job:
 *
 *   #include "runner.h"
 *
 *   bool handle(const runner_job *job) {
 *     const char *name = runner_string(runner_get(runner_payload(job), "name"), NULL);
 *     if (!name) return runner_reject("data.name is missing");
 *     runner_log(RUNNER_INFO, "greeting", "name", name, NULL);
 *     return runner_return("{\"greeting\": %s}", runner_quote(runner_format("hello %s", name)));
 *   }
 *
 * Memory: whatever a function here returns or fills in belongs to the job. It stays until
 * `handle` returns, and nobody frees it. Whatever you pass is copied before the function
 * returns. Texts are UTF-8 and end with a NUL byte; where the length is given too, the
 * text may have NUL bytes inside.
 *
 * Functions that can fail return true or false; on false, `runner_error()` says why, and
 * `return runner_fail();` ends the attempt as that error deserves.
 *
 * The functions are not safe to call from several threads; a plugin has only one.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define RUNNER_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define RUNNER_PRINTF(text, first)
#endif

/* ---- The job ------------------------------------------------------------------- */

/* One attempt of one job. */
typedef struct runner_job {
  const char *id;           /* unique within its queue, the same in all attempts */
  const char *queue;        /* as in queues.toml */
  const char *name;         /* the first argument of BullMQ's queue.add */
  const char *data;         /* the payload: JSON text as the producer stored it */
  size_t data_len;          /* its bytes */
  uint32_t attempt;         /* from 1; attempts that were handed back do not count */
  uint32_t max_attempts;    /* at least 1 */
  uint64_t added_at;        /* milliseconds since 1970 */
  uint64_t started_at;      /* milliseconds since 1970, of this attempt */
  uint32_t priority;        /* 0, the highest and the default, to 2097151 */
  uint64_t delay;           /* milliseconds the producer wanted to wait */
  const char *request_id;   /* NULL if the payload has none */
  const char *parent_id;    /* NULL if the job is no child in a flow */
  const char *parent_queue; /* with its prefix, such as "bull:invoices"; NULL as above */
} runner_job;

/* Yours: work on one job. Return true after runner_return, or for the result null; false
 * with one of the failures below. */
bool handle(const runner_job *job);

/* The job of this attempt, for code that does not get it as an argument. */
const runner_job *runner_current(void);

/* Milliseconds until the timeout stops this attempt. */
uint64_t runner_time_left(void);

/* Replace the payload in Redis: the next attempt starts with it. */
bool runner_update_data(const char *json);

/* ---- How an attempt ends --------------------------------------------------------- */

/* Complete with this result: JSON text, made like printf does. Returns true. */
bool runner_return(const char *json, ...) RUNNER_PRINTF(1, 2);

/* The same for text of a known length, taken as it is. */
bool runner_return_text(const char *json, size_t len);

/* All of these return false. Reasons are made like printf does. */

/* Spend an attempt and wait for the job's own backoff. */
bool runner_retry(const char *reason, ...) RUNNER_PRINTF(1, 2);
/* Spend an attempt and wait these milliseconds. */
bool runner_retry_after(uint64_t ms, const char *reason, ...) RUNNER_PRINTF(2, 3);
/* Fail at once, even if attempts are left. */
bool runner_reject(const char *reason, ...) RUNNER_PRINTF(1, 2);
/* Not now: again after these milliseconds, without spending an attempt. */
bool runner_snooze(uint64_t ms, const char *reason, ...) RUNNER_PRINTF(2, 3);
/* Continue when all children are done, without spending an attempt. */
bool runner_wait_children(void);
/* No worker starts a job of this queue for these milliseconds; no attempt is spent. */
bool runner_rate_limit(uint64_t ms, const char *reason, ...) RUNNER_PRINTF(2, 3);

/* Why the last function that returned false could not do what it should. */
const char *runner_error(void);
/* What kind of error it was, as WIT names it: "denied", "timeout", "unknown-queue"; ""
 * where there is one kind only. */
const char *runner_error_kind(void);
/* End the attempt by that error: reject what a retry cannot mend (denied, invalid,
 * too-large, unknown-queue, limit, constraint, expectation, not-found, precondition), and
 * retry the rest. Returns false. */
bool runner_fail(void);

/* For a function of a contract: give the failure that was chosen to the caller. `err` is
 * the function's own last argument.
 *
 *   if (!order->items.len) return runner_typed(err, runner_reject("nothing was ordered"));
 */
struct runner_plugin_outcome_failure_t;
bool runner_typed(struct runner_plugin_outcome_failure_t *err, bool done);

/* ---- Log and progress ------------------------------------------------------------ */

typedef enum runner_level {
  RUNNER_TRACE,
  RUNNER_DEBUG,
  RUNNER_INFO,
  RUNNER_WARN,
  RUNNER_ERROR,
} runner_level;

/* Write one line with fields: names and values, all texts, and NULL at the end.
 *
 *   runner_log(RUNNER_WARN, "slow answer", "host", host, "ms", runner_format("%u", ms), NULL);
 *
 * What is printed to stdout and stderr is logged too, line by line, as info and warn. */
void runner_log(runner_level level, const char *message, ...)
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((sentinel))
#endif
    ;

/* The percentage done, 0 to 100, with a message or NULL. */
void runner_progress(double percent, const char *message);
/* Any JSON value, as BullMQ's job.updateProgress takes it. */
void runner_progress_json(const char *json);

/* ---- Settings and secrets -------------------------------------------------------- */

/* A name and its value. */
typedef struct runner_pair {
  const char *name;
  const char *value;
} runner_pair;

/* Pairs and how many. */
typedef struct runner_pairs {
  const runner_pair *items;
  size_t count;
} runner_pairs;

/* The setting under [plugins.<name>] config: a string as it is, any other value as JSON;
 * NULL if it is not set. */
const char *runner_config(const char *key);
/* All settings, sorted by name. */
runner_pairs runner_config_all(void);
/* The secret under [plugins.<name>] secrets; NULL if it is not granted or not set. */
const char *runner_secret(const char *name);

/* ---- HTTP ------------------------------------------------------------------------ */

/* A request. What is 0 or NULL takes its default, so name only what you need:
 *
 *   runner_response response;
 *   runner_request request = {.url = "https://api.example.com/v1/mails", .method = "POST",
 *                             .body = json, .idempotent = true};
 *   if (!runner_http(&request, &response)) return runner_fail();
 */
typedef struct runner_request {
  const char *method;         /* "GET" */
  const char *url;            /* absolute, http or https */
  const runner_pair *headers; /* none */
  size_t header_count;
  const char *body;           /* none */
  size_t body_len;            /* 0: up to the NUL byte of body */
  uint32_t timeout;           /* milliseconds; 30 s, or what is left to the job */
  uint8_t redirects;          /* how many to follow, at most 5; 0 returns the redirect */
  bool idempotent;            /* send Idempotency-Key: <queue>/<job id>/<n> */
} runner_request;

/* A response, read to its end. */
typedef struct runner_response {
  uint16_t status;      /* 100 to 599; no status is an error */
  runner_pairs headers; /* in the order received, names in lower case */
  const char *body;
  size_t body_len;
  const char *url;      /* that answered, after any redirects */
} runner_response;

/* Send a request and read the whole response. Kinds of errors: "denied", "invalid",
 * "dns", "connect", "tls", "timeout", "too-large", "protocol". */
bool runner_http(const runner_request *request, runner_response *response);

/* The value of a header field, in lower case; NULL if there is none. */
const char *runner_header(const runner_response *response, const char *name);

/* ---- Queues and flows ------------------------------------------------------------ */

typedef enum runner_backoff {
  RUNNER_BACKOFF_DEFAULT, /* the queue's */
  RUNNER_BACKOFF_FIXED,
  RUNNER_BACKOFF_EXPONENTIAL,
} runner_backoff;

/* Which finished jobs to keep. */
typedef enum runner_keep {
  RUNNER_KEEP_DEFAULT, /* as the queue says */
  RUNNER_KEEP_ALL,
  RUNNER_KEEP_NONE,
  RUNNER_KEEP_COUNT,   /* the newest, up to a number */
  RUNNER_KEEP_AGE,     /* those of the last seconds */
} runner_keep;

/* What the failure of a child does to its parent. */
typedef enum runner_child_failure {
  RUNNER_CHILD_WAIT,     /* the parent waits until somebody retries the child */
  RUNNER_CHILD_FAIL,     /* it fails the parent */
  RUNNER_CHILD_CONTINUE, /* the parent continues at once */
  RUNNER_CHILD_IGNORE,   /* the parent does not wait for it, and finds the reason */
  RUNNER_CHILD_REMOVE,   /* as if the child had never existed */
} runner_child_failure;

/* One job instead of several that mean the same; only if `id` is not NULL. */
typedef struct runner_deduplication {
  const char *id;
  uint64_t ttl; /* milliseconds; 0: until the first has ended */
  bool extend, replace, keep_last_if_active, reschedule;
} runner_deduplication;

/* A job to add. What is 0 or NULL takes the queue's default from queues.toml. */
typedef struct runner_new_job {
  const char *queue;
  const char *name;
  const char *data; /* JSON; NULL is {} */
  const char *id;   /* not empty, no number, without ':' */
  uint64_t delay;   /* milliseconds */
  uint32_t priority;
  bool lifo;        /* in front of those that wait */
  uint32_t attempts;
  runner_backoff backoff;
  uint64_t backoff_delay; /* milliseconds */
  double backoff_jitter;  /* 0 to 1 */
  runner_keep remove_on_complete, remove_on_fail;
  uint64_t complete_keeps, fail_keeps; /* the number or the seconds */
  uint64_t size_limit;                 /* bytes of data */
  runner_deduplication deduplication;
  const struct runner_new_job *children; /* jobs that this one waits for */
  size_t child_count;
  runner_child_failure on_failure; /* of this job, to its parent */
} runner_new_job;

/* All of these fail with the kinds "unknown-queue", "invalid", "limit", "lost" and
 * "unavailable", and add all or nothing. */

/* Add a job; with children, the whole flow. Its id comes into *id, unless that is NULL. */
bool runner_add(const runner_new_job *job, const char **id);
/* Add jobs of one queue, that of the first, without children. ids has room for count ids,
 * or is NULL. */
bool runner_add_bulk(const runner_new_job *jobs, size_t count, const char **ids);
/* Add jobs, with their own children, as children of the current job, which can then end
 * with runner_wait_children. */
bool runner_add_children(const runner_new_job *jobs, size_t count);

/* How many children the job has, by state. */
typedef struct runner_dependencies {
  uint64_t processed, unprocessed, failed, ignored;
} runner_dependencies;

bool runner_children(runner_dependencies *counts);
/* The results of the children that completed: the child's key, and JSON. */
bool runner_children_values(runner_pairs *values);
/* Why children failed whose failure is ignored: the child's key, and the reason. */
bool runner_ignored_failures(runner_pairs *reasons);
/* The keys of the children whose failure fails this job. */
bool runner_failed_children(const char *const **keys, size_t *count);
/* Remove the children that no worker has started. */
bool runner_remove_unprocessed_children(void);

/* ---- Steps ----------------------------------------------------------------------- */

/* What this attempt or an earlier one recorded for the step: JSON, or NULL.
 *
 *   const char *charge = runner_step("charge");
 *   if (!charge) {
 *     charge = ...;
 *     if (!runner_step_done("charge", charge)) return runner_fail();
 *   }
 */
const char *runner_step(const char *step);
/* Record that a step is done, with a JSON value: a retry need not repeat it. A job has at
 * most 64 steps of 64 KiB each. */
bool runner_step_done(const char *step, const char *json);

/* ---- Text and JSON --------------------------------------------------------------- */

/* Memory that lasts as long as the job, set to 0. */
void *runner_alloc(size_t bytes);
/* Text made like printf does. */
char *runner_format(const char *format, ...) RUNNER_PRINTF(1, 2);
/* The text as a JSON string, with its quotes. */
const char *runner_quote(const char *text);
/* The same for text with NUL bytes. */
const char *runner_quote_text(const char *text, size_t len);

/* A value in a JSON text: where it begins and its bytes. The reader below takes it apart
 * without copying; use any other parser if you like. `at` is NULL for what is not there,
 * and every function takes that, so look-ups can be nested. */
typedef struct runner_json {
  const char *at;
  size_t len;
} runner_json;

/* The payload; nothing if it is not JSON, which runner_error() explains. */
runner_json runner_payload(const runner_job *job);
/* A JSON text; nothing if it is not JSON. At most 512 levels. */
runner_json runner_parse(const char *text, size_t len);
/* The field of an object; of several with one name the last. */
runner_json runner_get(runner_json object, const char *name);
/* The element of an array, from 0. */
runner_json runner_at(runner_json array, size_t index);
/* How many elements an array or fields an object has. */
size_t runner_count(runner_json value);
/* '{', '[', '"', '0' (a number), 't', 'f', 'n' (null), or 0 for nothing. */
char runner_kind(runner_json value);
/* The text of a string, and its bytes into *len unless that is NULL; NULL if it is no
 * string. An escape of half a character (a lone surrogate) becomes U+FFFD. */
const char *runner_string(runner_json value, size_t *len);
/* The value's own JSON text. */
const char *runner_text(runner_json value);
/* Numbers; false if the value is no number, or not exactly of that type. */
bool runner_u64(runner_json value, uint64_t *number);
bool runner_s64(runner_json value, int64_t *number);
bool runner_double(runner_json value, double *number);
/* true or false; false if the value is neither. */
bool runner_bool(runner_json value, bool *truth);

#ifdef __cplusplus
}
#endif

#include "runner_reach.h"

#endif
