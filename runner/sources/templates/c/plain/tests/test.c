/* The unit test of the plugin, on this machine. After `runner build`:
 *
 *   cc -I.runner/sdk -I.runner/out/bindings src/plugin.c tests/test.c \
 *     .runner/sdk/runner.c .runner/sdk/json.c -o .runner/out/test && .runner/out/test
 */
#undef NDEBUG
#include "runner_test.h"

#include <assert.h>

int main(void) {
  runner_test_begin();
  runner_ended ended = runner_test_run("{{job}}", "{\"name\": \"Ada\"}");
  assert(ended.completed);
  assert(!strcmp(ended.text, "{\"greeting\":\"hello Ada\"}"));
  assert(!strcmp(runner_test_log(0), "info greeting Ada"));

  ended = runner_test_run("{{job}}", "{}");
  assert(!ended.completed && !strcmp(ended.outcome, "reject"));
  puts("ok");
}
