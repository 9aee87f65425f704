//! The one wasmtime engine of the process, and the ticker that lets it stop
//! guests.
//!
//! A reload replaces components, never the engine: types of two engines must not
//! meet.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// Between two ticks a guest runs without looking up. 5 ms ends a job soon
/// enough after its deadline; 1 to 10 ms make no measurable difference in speed.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Instances that can live at once. Address space, not memory, is what a slot
/// costs: with 4 GiB reserved for each of two memories, 4000 take 32 TiB of the
/// 128 TiB a process has. Workers never hold more attempts than their
/// concurrency, which the configuration bounds to this.
pub const INSTANCES: u32 = 4_000;

/// Core instances in one component: Python needs 32.
const CORES: u32 = 32;
/// Linear memories in one component: QuickJS needs 2.
const MEMORIES: u32 = 2;
/// Tables in one component.
const TABLES: u32 = 4;

/// Bytes of a memory or table that are reset by writing zeroes when an instance
/// goes, instead of by a system call. Larger than what a small Rust guest
/// touches, so that its jobs make no system call at all.
const RESIDENT: usize = 1 << 20;

/// Wasm stack of a guest. A third of the fibre it runs on, so that host calls
/// made at the very end of it have room.
const WASM_STACK: usize = 512 << 10;
/// Native stack of a guest's fibre.
const FIBRE_STACK: usize = 2 << 20;

/// Make the engine and start its ticker, a thread that ends with the engine.
///
/// # Errors
/// When the system cannot reserve the address space.
pub fn engine() -> wasmtime::Result<Engine> {
    let engine = Engine::new(&config())?;
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("runner-epoch".into())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map_err(wasmtime::Error::from)?;
    Ok(engine)
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 2)
        .total_memories(INSTANCES * 2)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES)
        .total_gc_heaps(1)
        .max_core_instances_per_component(CORES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(50_000)
        .max_unused_warm_slots(100)
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(RESIDENT)
        // Without it two threads do less than one: each job ends in a system
        // call that interrupts the other cores. Needs Linux 6.7.
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // QuickJS components need it to parse.
        .concurrency_support(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBRE_STACK)
        .wasm_gc(false)
        .wasm_threads(false)
        .wasm_shared_everything_threads(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
