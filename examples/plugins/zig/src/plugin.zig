//! Adds up an order, in Zig.
const std = @import("std");
const runner = @import("runner");

const Order = struct { items: []const struct { sku: []const u8, quantity: u32 } };

export fn handle(job: *const runner.runner_job) bool {
    const data = job.data[0..job.data_len];
    const options = std.json.ParseOptions{ .ignore_unknown_fields = true };
    const order = std.json.parseFromSlice(Order, std.heap.wasm_allocator, data, options) catch |err|
        return runner.runner_reject("the order: %s", @errorName(err).ptr);
    defer order.deinit();
    var pieces: u64 = 0;
    for (order.value.items) |item| pieces += item.quantity;
    return runner.runner_return("{\"pieces\":%llu}", pieces);
}
