/* {{name}}: greets. */
#include "runner.h"

bool handle(const runner_job *job) {
  const char *name = runner_string(runner_get(runner_payload(job), "name"), NULL);
  if (!name) return runner_reject("data.name is missing, or no string");
  runner_log(RUNNER_INFO, runner_format("greeting %s", name), NULL);
  return runner_return("{\"greeting\":%s}", runner_quote(runner_format("hello %s", name)));
}
