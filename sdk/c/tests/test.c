/* The SDK on this machine, against the host of runner_test.h. */
#undef NDEBUG
#include "runner_test.h"

#include <assert.h>
#include <inttypes.h>

#define IS(text) (!strcmp(job->name, text))

bool handle(const runner_job *job) {
  if (IS("weather")) {
    runner_pair header = {"accept", "text/plain"};
    runner_request request = {.url = "https://api.example.com/w", .headers = &header,
                              .header_count = 1};
    runner_response response;
    if (!runner_http(&request, &response)) return runner_fail();
    runner_log(RUNNER_INFO, "the weather", "is", response.body, NULL);
    return runner_return("%s", runner_quote(response.body));
  }
  if (IS("outcomes")) {
    const char *how = runner_string(runner_get(runner_payload(job), "how"), NULL);
    if (!strcmp(how, "snooze")) return runner_snooze(1500, "quiet %s", "hours");
    if (!strcmp(how, "rate-limit")) return runner_rate_limit(2, "429");
    if (!strcmp(how, "retry-after")) return runner_retry_after(3, "slow down");
    if (!strcmp(how, "wait-children")) return runner_wait_children();
    if (!strcmp(how, "reject")) return runner_reject("no user %d", 7);
    return false;
  }
  if (IS("step")) {
    if (!runner_step("once")) runner_step_done("once", "1");
    return runner_return("%s", runner_step("once"));
  }
  if (IS("children")) {
    runner_new_job leaf = {.queue = "work", .name = "leaf", .data = "{\"n\":1}"};
    runner_new_job child = {.queue = "work", .name = "child", .children = &leaf, .child_count = 1};
    return runner_add_children(&child, 1) ? runner_wait_children() : runner_fail();
  }
  runner_progress(50, NULL);
  return true;
}

static runner_json parse(const char *text) { return runner_parse(text, strlen(text)); }

static void json(void) {
  runner_json value = parse(" {\"a\": [1, {\"b\\u0063\": \"x\\ud83d\\ude00\\u0000y\"}], \"a\\u0062\":true,"
                            "\"n\":18446744073709551615,\"d\":-1.5e3,\"n\":-9} ");
  size_t len;
  assert(runner_count(value) == 5);
  runner_json inner = runner_get(runner_at(runner_get(value, "a"), 1), "bc");
  const char *text = runner_string(inner, &len);
  assert(len == 7 && !memcmp(text, "x\xF0\x9F\x98\x80\0y", 8));
  bool truth;
  assert(runner_bool(runner_get(value, "ab"), &truth) && truth);
  int64_t small;
  uint64_t large;
  double real;
  assert(runner_s64(runner_get(value, "n"), &small) && small == -9);
  assert(!runner_u64(runner_get(value, "n"), &large));
  assert(runner_double(runner_get(value, "d"), &real) && real == -1500);
  assert(!runner_s64(runner_get(value, "d"), &small));
  assert(runner_u64(parse("18446744073709551615"), &large) && large == UINT64_MAX);
  assert(!runner_u64(parse("18446744073709551616"), &large));
  assert(!strcmp(runner_string(parse("\"\\ud800\""), NULL), "\xEF\xBF\xBD"));
  assert(!runner_get(runner_get(value, "missing"), "x").at);
  assert(!strcmp(runner_quote("a\"\\\n\x01"), "\"a\\\"\\\\\\u000a\\u0001\""));
  static const char *const wrong[] = {"",    "{",     "{\"a\"}",  "[1,]", "01",  "1.",     "+1",
                                      "nul", "\"a",   "\"\\x\"",  "[1]x", "-",   "\"\n\"", "{a:1}",
                                      "1e",  "\"\\u12\"", "[,]", "{,}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert(!parse(wrong[i]).at);
  char deep[1200];
  memset(deep, '[', 600);
  memset(deep + 600, ']', 600);
  assert(!runner_parse(deep, 1200).at);
  assert(runner_parse(deep + 90, 1020).at);
}

static void ends(const char *how, const char *outcome, const char *text, uint64_t ms) {
  char data[64];
  snprintf(data, sizeof data, "{\"how\":\"%s\"}", how);
  runner_ended ended = runner_test_run("outcomes", data);
  assert(!ended.completed && !strcmp(ended.outcome, outcome));
  assert(!strcmp(ended.text, text) && ended.ms == ms);
}

int main(void) {
  json();

  runner_test_begin();
  runner_test_reply("GET", "https://api.example.com/w", 200, "rain");
  runner_test_refuse("GET", "https://api.example.com/w", "timeout");
  runner_test_refuse("GET", "https://api.example.com/w", "denied");
  runner_ended ended = runner_test_run("weather", "{}");
  assert(ended.completed && !strcmp(ended.text, "\"rain\""));
  assert(!strcmp(runner_test_log(0), "info the weather is=rain"));
  assert(!strcmp(runner_test_sent(0)->headers, "accept: text/plain\n"));
  assert(!strcmp(runner_test_run("weather", "{}").outcome, "retry"));
  assert(!strcmp(runner_test_run("weather", "{}").outcome, "reject"));

  ends("snooze", "snooze", "quiet hours", 1500);
  ends("rate-limit", "rate-limit", "429", 2);
  ends("retry-after", "retry-after", "slow down", 3);
  ends("wait-children", "wait-children", "the children are not done", 0);
  ends("reject", "reject", "no user 7", 0);
  ends("", "retry", "the handler returned false without a reason", 0);

  runner_test_begin();
  runner_test_step("once", "7");
  assert(!strcmp(runner_test_run("step", "{}").text, "7"));

  runner_test_begin();
  assert(!strcmp(runner_test_run("children", "{}").outcome, "wait-children"));
  assert(runner_test_added(0)->is_child && !runner_test_added(1)->is_child);
  assert(!strcmp(runner_test_added(1)->name, "leaf"));

  ended = runner_test_run("else", "{}");
  assert(ended.completed && !strcmp(ended.text, "null"));
  assert(!strcmp(runner_test_progress(), "50"));
  puts("ok");
  return 0;
}
