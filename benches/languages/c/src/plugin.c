/* The handler of the benches: nothing, or a job's payload made into another shape. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "runner.h"

#define CATEGORIES 16

struct total {
  const char *category;
  uint64_t cents;
};

static uint64_t number(runner_json item, const char *field) {
  uint64_t value = 0;
  runner_u64(runner_get(item, field), &value);
  return value;
}

static void add(struct total *totals, const char *category, uint64_t cents) {
  for (int at = 0; at < CATEGORIES; at++) {
    if (!totals[at].category) totals[at].category = category;
    if (strcmp(totals[at].category, category) == 0) {
      totals[at].cents += cents;
      return;
    }
  }
}

static bool transform(const runner_job *job) {
  runner_json order = runner_payload(job);
  runner_json items = runner_get(order, "items");
  const char *given = runner_string(runner_get(runner_get(order, "customer"), "name"), NULL);
  char *name = runner_format("%s", given ? given : "");
  for (char *at = name; *at; at++) *at = toupper((unsigned char)*at);
  struct total totals[CATEGORIES] = {0};
  const char *lines = "", *sums = "";
  for (size_t at = 0; at < runner_count(items); at++) {
    runner_json item = runner_at(items, at);
    uint64_t cents = number(item, "quantity") * number(item, "cents");
    const char *sku = runner_text(runner_get(item, "sku"));
    lines = runner_format("%s%s{\"sku\":%s,\"cents\":%" PRIu64 "}", lines, at ? "," : "", sku, cents);
    add(totals, runner_text(runner_get(item, "category")), cents);
  }
  for (int at = 0; at < CATEGORIES && totals[at].category; at++) {
    const char *comma = at ? "," : "";
    sums = runner_format("%s%s%s:%" PRIu64, sums, comma, totals[at].category, totals[at].cents);
  }
  return runner_return("{\"customer\":%s,\"items\":[%s],\"totals\":{%s}}", runner_quote(name), lines, sums);
}

bool handle(const runner_job *job) {
  return strcmp(job->name, "transform") == 0 ? transform(job) : true;
}
