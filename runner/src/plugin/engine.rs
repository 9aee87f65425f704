//! The one wasmtime engine of the process, the ticker that lets it stop guests,
//! and what the system it runs on allows.
//!
//! A reload replaces components, never the engine: types of two engines must not
//! meet. The process that compiles has an engine of its own with the same
//! [`Settings`], which the [`fingerprint`] of the two proves.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::system;

/// Between two ticks a guest runs without looking up. 5 ms ends a job soon
/// enough after its deadline; 1 to 10 ms make no measurable difference in speed.
const TICK: Duration = Duration::from_millis(5);

/// Instances that can live at once. Address space, not memory, is what a slot
/// costs: with 4 GiB reserved for each of three memories, 4000 take 47 TiB of the
/// 128 TiB a process has. Workers never hold more attempts than their
/// concurrency, which the configuration bounds to this.
pub const INSTANCES: u32 = 4_000;

/// Core instances in one component. Python without WASI has 38, one more for each
/// of its native libraries; the door adds three. They are counted, not reserved.
pub(super) const CORES: u32 = 128;
/// Linear memories in one component: QuickJS needs 2 and the door 1.
const MEMORIES: u32 = 3;
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

/// Bytes by which the memory of a guest grows ahead where address space is short.
const AHEAD: u64 = 1 << 20;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Memory cannot be made executable.
    #[error(
        "this system forbids executable memory, which compiled plugins are: allow it to this \
         process (systemd: MemoryDenyWriteExecute=no, SELinux: execmem)"
    )]
    Forbidden,
    /// The system has no room or no thread for it.
    #[error("the engine does not start: {0}")]
    System(String),
}

/// How the memories of guests are laid out, which compiled code relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settings {
    /// 4 GiB of address space for each memory: no check of bounds in the code.
    Spacious,
    /// As much as each memory has.
    Narrow,
}

/// Make the engine and start its ticker, a thread that ends with the engine. With
/// it come the things of this system that make it slower, for people.
///
/// # Errors
/// When the system forbids what compiled code needs.
pub fn engine() -> Result<(Engine, Vec<String>), EngineError> {
    if !system::allows_executable_memory() {
        return Err(EngineError::Forbidden);
    }
    let mut warnings = Vec::new();
    let swaps = system::swaps();
    let mut pooled = config(Settings::Spacious);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(!swaps)));
    let engine = match Engine::new(&pooled) {
        Ok(engine) => {
            if swaps {
                warnings.push(SWAP.to_owned());
            }
            engine
        }
        Err(error) => {
            warnings.push(narrow(&error));
            Engine::new(&config(Settings::Narrow))
                .map_err(|error| EngineError::System(format!("{error:#}")))?
        }
    };
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("runner-epoch".into())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
                std::thread::sleep(TICK);
            }
        })
        .map_err(|error| EngineError::System(error.to_string()))?;
    Ok((engine, warnings))
}

/// The scan for dirty pages asks only for those that are in memory, so that one
/// that was swapped out would stay as it is for the next job of its slot. It is
/// off then.
const SWAP: &str = "swap is on: instances are reset by system calls, which takes a job 1.3 to 5 \
                    times as long; keep this process out of swap (systemd: MemorySwapMax=0)";

fn narrow(error: &wasmtime::Error) -> String {
    format!(
        "the address space is limited ({}): instances are allocated one by one, which costs \
         each job some 50 µs, and guests check bounds, which makes them up to 40 % slower; \
         allow this process more (ulimit -v unlimited, systemd: LimitAS=infinity)",
        error.root_cause()
    )
}

/// An engine to compile for another, without room for instances; none when that
/// is of another build.
pub(super) fn compiler(fingerprint: &str) -> Option<Engine> {
    [Settings::Spacious, Settings::Narrow]
        .into_iter()
        .filter_map(|settings| Engine::new(&config(settings)).ok())
        .find(|engine| self::fingerprint(engine) == fingerprint)
}

/// SHA-256 of everything that decides whether code compiled by one engine runs on
/// another, hexadecimal.
pub(super) fn fingerprint(engine: &Engine) -> String {
    /// Feeds what `Hash` writes to SHA-256: the standard hashers are short and
    /// may change between releases.
    struct Settings(Sha256);
    impl Hasher for Settings {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("only the whole digest is used")
        }
    }
    let mut settings = Settings(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    hex::encode(settings.0.finalize())
}

/// Everything but where instances are allocated, which compiled code does not
/// know.
fn config(settings: Settings) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // QuickJS components need it to parse.
        .concurrency_support(true)
        // Whatever the environment says. Read when a job fails, and bounded when a
        // plugin is compiled.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBRE_STACK)
        .wasm_gc(false)
        .wasm_threads(false)
        .wasm_shared_everything_threads(false);
    if settings == Settings::Narrow {
        config
            .memory_reservation(0)
            .memory_guard_size(0)
            .memory_reservation_for_growth(AHEAD);
    }
    config
}

/// Slots for all instances, made once.
fn pool(scan: bool) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * CORES)
        .total_memories(INSTANCES * MEMORIES)
        .total_tables(INSTANCES * TABLES)
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
        .pagemap_scan(if scan { Enabled::Auto } else { Enabled::No });
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_has_the_settings_of_the_engine_it_compiles_for() {
        let (engine, _) = engine().unwrap();
        let own = fingerprint(&engine);
        assert_eq!(fingerprint(&compiler(&own).unwrap()), own);
        let narrow = fingerprint(&Engine::new(&config(Settings::Narrow)).unwrap());
        assert_ne!(narrow, own);
        assert_eq!(fingerprint(&compiler(&narrow).unwrap()), narrow);
        assert!(compiler("another build").is_none());
    }
}
