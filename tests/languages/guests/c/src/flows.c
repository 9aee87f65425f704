/* Jobs that the guest adds, its children, and what it leaves to its next attempt. */
#include "guest.h"

#include <inttypes.h>
#include <string.h>

static bool refused(void) {
  return runner_return("{\"error\":%s,\"message\":%s}", runner_quote(runner_error_kind()),
                       runner_quote(runner_error()));
}

static bool add(const runner_job *job) {
  runner_json data = runner_payload(job);
  runner_new_job added = {
      .queue = text_of(job, "queue"),
      .name = text_of(job, "name"),
      .data = runner_text(runner_get(data, "data")),
      .id = runner_string(runner_get(data, "id"), NULL),
      .delay = number_of(job, "delay"),
      .priority = (uint32_t)number_of(job, "priority"),
      .attempts = (uint32_t)number_of(job, "attempts"),
  };
  const char *id;
  return runner_add(&added, &id) ? runner_return("{\"id\":%s}", runner_quote(id)) : refused();
}

static bool add_bulk(const runner_job *job) {
  size_t count = number_of(job, "count");
  runner_new_job *jobs = runner_alloc(count * sizeof *jobs);
  const char **ids = runner_alloc(count * sizeof *ids), *list = "";
  for (size_t i = 0; i < count; i++) {
    jobs[i].queue = text_of(job, "queue");
    jobs[i].name = "bulk";
    jobs[i].data = runner_format("{\"n\":%zu}", i);
  }
  if (!runner_add_bulk(jobs, count, ids)) return refused();
  for (size_t i = 0; i < count; i++) {
    list = runner_format("%s%s%s", list, i ? "," : "", runner_quote(ids[i]));
  }
  return runner_return("{\"ids\":[%s]}", list);
}

static bool add_flow(const runner_job *job) {
  const char *queue = text_of(job, "queue"), *id;
  runner_new_job leaves[] = {
      {.queue = queue, .name = "leaf", .data = "{\"n\":1}"},
      {.queue = queue, .name = "leaf", .data = "{\"n\":2}", .on_failure = RUNNER_CHILD_IGNORE},
  };
  runner_new_job root = {.queue = queue, .name = "root", .children = leaves, .child_count = 2};
  return runner_add(&root, &id) ? runner_return("{\"id\":%s}", runner_quote(id)) : runner_fail();
}

/* Add children once, and later tell what became of them. */
static bool children(const runner_job *job) {
  runner_dependencies counts;
  if (!runner_children(&counts)) return runner_fail();
  if (!(counts.processed || counts.unprocessed || counts.failed || counts.ignored)) {
    runner_new_job three[] = {
        {.queue = "work", .name = "echo", .data = "{\"n\":1}"},
        {.queue = "work", .name = "echo", .data = "{\"n\":2}"},
        {.queue = "work", .name = "reject", .on_failure = RUNNER_CHILD_IGNORE},
    };
    runner_new_job one = {.queue = "work", .name = "reject", .on_failure = RUNNER_CHILD_FAIL};
    bool added = IS("children") ? runner_add_children(three, 3) : runner_add_children(&one, 1);
    return added ? runner_wait_children() : runner_fail();
  }
  runner_pairs values, ignored;
  const char *const *failed;
  size_t failures;
  if (!runner_children_values(&values) || !runner_ignored_failures(&ignored) ||
      !runner_failed_children(&failed, &failures)) {
    return runner_fail();
  }
  const char *results = "", *reasons = "", *keys = "";
  for (size_t i = 0; i < values.count; i++) {
    results = runner_format("%s%s%s", results, i ? "," : "", values.items[i].value);
  }
  for (size_t i = 0; i < ignored.count; i++) {
    reasons = runner_format("%s%s%s", reasons, i ? "," : "", runner_quote(ignored.items[i].value));
  }
  for (size_t i = 0; i < failures; i++) {
    keys = runner_format("%s%s%s", keys, i ? "," : "", runner_quote(failed[i]));
  }
  return runner_return("{\"values\":[%s],\"ignored\":[%s],\"failed\":[%s],\"counts\":[%" PRIu64
                       ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "],\"attempt\":%u}",
                       results, reasons, keys, counts.processed, counts.unprocessed,
                       counts.failed, counts.ignored, (unsigned)job->attempt);
}

static bool remove_children(void) {
  runner_new_job late = {.queue = "other", .name = "late"};
  runner_dependencies before, after;
  if (!runner_add_children(&late, 1) || !runner_children(&before) ||
      !runner_remove_unprocessed_children() || !runner_children(&after)) {
    return runner_fail();
  }
  return runner_return("{\"before\":%" PRIu64 ",\"after\":%" PRIu64 "}", before.unprocessed,
                       after.unprocessed);
}

static bool update(const runner_job *job) {
  if (job->attempt > 1) return runner_return_text(job->data, job->data_len);
  if (!runner_update_data("{\"updated\":true}")) return runner_fail();
  return runner_retry("the data is new");
}

static bool step(const runner_job *job) {
  const char *value = runner_step("once");
  if (!value) {
    value = runner_format("%u", (unsigned)job->attempt);
    if (!runner_step_done("once", value)) return runner_fail();
  }
  if (job->attempt == 1) return runner_retry("after the step");
  return runner_return("{\"step\":%s,\"attempt\":%u}", value, (unsigned)job->attempt);
}

bool flows(const runner_job *job) {
  if (IS("add")) return add(job);
  if (IS("add-bulk")) return add_bulk(job);
  if (IS("add-flow")) return add_flow(job);
  if (IS("remove-children")) return remove_children();
  if (IS("update")) return update(job);
  if (IS("step")) return step(job);
  return children(job);
}
