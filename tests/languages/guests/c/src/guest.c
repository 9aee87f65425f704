/* The guest in C of the conformance suite: does by the job's name what
 * tests/languages/README.md says. */
#include "guest.h"
#include "plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *text_of(const runner_job *job, const char *field) {
  const char *text = runner_string(runner_get(runner_payload(job), field), NULL);
  return text ? text : "";
}

uint64_t number_of(const runner_job *job, const char *field) {
  uint64_t number = 0;
  return runner_u64(runner_get(runner_payload(job), field), &number) ? number : 0;
}

const char *quoted(const char *text) { return text ? runner_quote(text) : "null"; }

/* The numbers as integers and as texts. */
static bool numbers(const runner_job *job) {
  runner_json values = runner_get(runner_payload(job), "values");
  const char *list = "", *texts = "";
  for (size_t i = 0; i < runner_count(values); i++) {
    runner_json value = runner_at(values, i);
    uint64_t large;
    int64_t small;
    const char *digits;
    if (runner_u64(value, &large)) {
      digits = runner_format("%" PRIu64, large);
    } else if (runner_s64(value, &small)) {
      digits = runner_format("%" PRId64, small);
    } else {
      return runner_reject("data.values[%zu] is no whole number", i);
    }
    const char *comma = i ? "," : "";
    list = runner_format("%s%s%s", list, comma, digits);
    texts = runner_format("%s%s\"%s\"", texts, comma, digits);
  }
  return runner_return("{\"values\":[%s],\"texts\":[%s]}", list, texts);
}

static bool text(const runner_job *job) {
  size_t len;
  const char *text = runner_string(runner_get(runner_payload(job), "text"), &len);
  if (!text) return runner_reject("data.text is no string");
  return runner_return("{\"text\":%s,\"bytes\":%zu}", runner_quote_text(text, len), len);
}

static bool make(const runner_job *job) {
  static const char before[] = "{\"blob\":\"", after[] = "\"}";
  size_t len = number_of(job, "bytes"), start = sizeof before - 1, end = sizeof after - 1;
  char *made = runner_alloc(start + len + end);
  memcpy(made, before, start);
  memset(made + start, 'x', len);
  memcpy(made + start + len, after, end);
  return runner_return_text(made, start + len + end);
}

static bool deep(const runner_job *job) {
  size_t levels = number_of(job, "levels");
  char *made = runner_alloc(2 * levels);
  memset(made, '[', levels);
  memset(made + levels, ']', levels);
  return runner_return_text(made, 2 * levels);
}

static bool levels(void) {
  static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
  for (int level = RUNNER_TRACE; level <= RUNNER_ERROR; level++) {
    runner_log((runner_level)level, runner_format("a line of %s", names[level]), "order", "7",
               "note", "two words", NULL);
  }
  return true;
}

static bool leak(const runner_job *job) {
  const char *token = runner_secret("TOKEN");
  if (IS("leak-failure")) return runner_reject("bad token %s", token);
  runner_log(RUNNER_INFO, runner_format("the token is %s", token), NULL);
  return runner_return("{\"token\":%s}", quoted(token));
}

static bool values(const runner_job *job) {
  if (IS("raw")) return runner_return_text(job->data, job->data_len);
  if (IS("echo")) {
    runner_json payload = runner_payload(job);
    return payload.at ? runner_return_text(payload.at, payload.len) : runner_fail();
  }
  if (IS("nothing")) return true;
  if (IS("numbers")) return numbers(job);
  if (IS("text")) return text(job);
  if (IS("length")) {
    size_t len;
    runner_string(runner_get(runner_payload(job), "blob"), &len);
    return runner_return("{\"length\":%zu}", len);
  }
  if (IS("make")) return make(job);
  if (IS("deep")) return deep(job);
  if (IS("invalid")) return runner_return("{oops");
  if (IS("version")) return runner_return("{\"version\":\"one\"}");
  return UNKNOWN();
}

static bool talk(const runner_job *job) {
  if (IS("log")) return levels();
  if (IS("print")) {
    printf("one\n");
    printf("two\n");
    fprintf(stderr, "three\n");
    return true;
  }
  if (IS("flood")) {
    uint64_t lines = number_of(job, "lines");
    for (uint64_t i = 0; i < lines; i++) {
      runner_log(RUNNER_INFO, runner_format("line %" PRIu64, i), NULL);
    }
    return true;
  }
  if (IS("progress")) return runner_progress(25, NULL), true;
  if (IS("progress-message")) return runner_progress(40, "page 2 of 5"), true;
  if (IS("progress-json")) return runner_progress_json("{\"done\":[1,2]}"), true;
  return leak(job);
}

/* Who does which jobs. */
static const struct {
  const char *name;
  bool (*work)(const runner_job *job);
} jobs[] = {
    {"raw", values},        {"echo", values},
    {"nothing", values},    {"numbers", values},
    {"text", values},       {"length", values},
    {"make", values},       {"deep", values},
    {"invalid", values},    {"version", values},
    {"log", talk},          {"print", talk},
    {"flood", talk},        {"progress", talk},
    {"leak", talk},         {"progress-message", talk},
    {"leak-failure", talk}, {"progress-json", talk},
    {"job", calls},         {"http", calls},        {"sql", calls},
    {"hold", calls},        {"config", calls},
    {"add", flows},         {"add-bulk", flows},
    {"add-flow", flows},    {"children", flows},
    {"children-fail", flows}, {"remove-children", flows},
    {"update", flows},      {"step", flows},
    {"childless", ends},    {"retry", ends},
    {"retry-once", ends},   {"retry-after", ends},
    {"reject", ends},       {"snooze", ends},
    {"rate-limit", ends},   {"throw", ends},
    {"assert", ends},       {"exit", ends},
    {"recurse", ends},      {"allocate", ends},
    {"spin", ends},         {"sleep", machine},
    {"random", machine},    {"clock", machine},
    {"environment", machine}, {"count", machine},
    {"read", machine},
};

bool handle(const runner_job *job) {
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    if (IS(jobs[i].name)) return jobs[i].work(job);
  }
  return UNKNOWN();
}

/* The contract. */
bool exports_suite_shop_orders_place(exports_suite_shop_orders_order_t *data,
                                     exports_suite_shop_orders_receipt_t *ret,
                                     exports_suite_shop_orders_failure_t *err) {
  ret->id = data->id;
  ret->pieces = 0;
  for (size_t i = 0; i < data->items.len; i++) ret->pieces += data->items.ptr[i].quantity;
  ret->channel = data->channel;
  ret->note.is_some = data->note.is_some;
  if (data->note.is_some) ret->note.val = data->note.val;
  return runner_typed(err, true);
}
