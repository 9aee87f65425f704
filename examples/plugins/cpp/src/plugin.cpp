// Adds up an order, in C++.
#include "runner.h"

#include <cinttypes>
#include <string>
#include <vector>

extern "C" bool handle(const runner_job *job) {
  runner_json items = runner_get(runner_payload(job), "items");
  std::vector<std::string> names;
  std::uint64_t pieces = 0;
  for (std::size_t i = 0; i < runner_count(items); i++) {
    std::uint64_t quantity = 0;
    if (!runner_u64(runner_get(runner_at(items, i), "quantity"), &quantity)) {
      return runner_reject("data.items[%zu].quantity is no whole number", i);
    }
    if (const char *sku = runner_string(runner_get(runner_at(items, i), "sku"), nullptr)) {
      names.emplace_back(sku);
    }
    pieces += quantity;
  }
  std::string all;
  for (const auto &name : names) all += (all.empty() ? "" : ", ") + name;
  return runner_return("{\"pieces\":%" PRIu64 ",\"skus\":%s}", pieces, runner_quote(all.c_str()));
}
