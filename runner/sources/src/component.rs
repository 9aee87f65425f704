//! From a core module to a component of the plugin world.
//!
//! For the drivers of languages whose compilers stop at the core module. Knows
//! `wit-component`, the generators of bindings and the adapter of WASI preview 1.

use anyhow::Context;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::WorldGenerator;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

use super::error::Error;
use super::generated::Files;
use super::project::Contract;

/// The world that a module was made for.
pub(crate) struct World {
    resolve: Resolve,
    world: WorldId,
}

/// The world of [`World::handler`]: all interfaces that an SDK can call. A component
/// imports only those that its module does.
const ALL: &str = "package runner:all; world plugin { include runner:plugin/plugin@0.1.0; \
                   import runner:plugin/sql@0.1.0; import runner:plugin/kv@0.1.0; \
                   import runner:plugin/blobs@0.1.0; }";

/// The world of [`World::typed`].
const BOTH: &str = "package runner:both; world plugin { include runner:all/plugin; \
                    include runner:project/contract; }";

/// Who made a module, for those who ask the component.
pub(crate) struct Maker<'a> {
    /// The language's name.
    pub(crate) language: &'a str,
    /// The compiler and its version.
    pub(crate) compiler: (&'a str, &'a str),
}

impl World {
    /// A handler.
    pub(crate) fn handler() -> Result<World, Error> {
        World::read(None, "runner:all/plugin").map_err(|error| broken(&error))
    }

    /// The functions of a contract, and a handler for jobs of other names. Its world is
    /// called `plugin` too, so that the bindings of both are called the same.
    pub(crate) fn typed(contract: &Contract) -> Result<World, Error> {
        World::read(Some(&contract.wit), "runner:both/plugin").map_err(|error| broken(&error))
    }

    fn read(contract: Option<&str>, world: &str) -> anyhow::Result<World> {
        let mut resolve = Resolve::default();
        let mut host = wit_parser::SourceMap::default();
        for (name, text) in runner_contract::HOST {
            host.push_str(name, text);
        }
        let host = host
            .parse()
            .map_err(|(map, error)| anyhow::anyhow!(error.render(&map)))?;
        resolve.push_group(host)?;
        let mut package = resolve.push_str("all.wit", ALL)?;
        if let Some(text) = contract {
            resolve.push_str("contract.wit", text)?;
            package = resolve.push_str("both.wit", BOTH)?;
        }
        let world = resolve.select_world(&[package], Some(world))?;
        Ok(World { resolve, world })
    }

    /// What a generator of bindings makes of it.
    pub(crate) fn bindings(&self, mut generator: Box<dyn WorldGenerator>) -> Result<Files, Error> {
        let mut files = wit_bindgen_core::Files::default();
        // It adds what it needs to its own copy.
        let mut resolve = self.resolve.clone();
        generator
            .generate(&mut resolve, self.world, &mut files)
            .map_err(|error| broken(&error))?;
        let files = files.iter();
        Ok(files
            .map(|(name, content)| (name.into(), content.to_vec()))
            .collect())
    }

    /// Make a component of a module that was compiled with these bindings.
    ///
    /// # Errors
    /// When the module does not fit: an export of the world is missing, or it imports
    /// what neither the world nor WASI has.
    pub(crate) fn component(&self, module: &[u8], maker: &Maker<'_>) -> Result<Vec<u8>, Error> {
        self.encode(module, maker)
            .map_err(|error| Error::wrong(format!("the module does not fit its world: {error:#}")))
    }

    fn encode(&self, module: &[u8], maker: &Maker<'_>) -> anyhow::Result<Vec<u8>> {
        let mut module = module.to_vec();
        // wit-bindgen's object file may have done it.
        let has = |name: &[u8]| module.windows(name.len()).any(|part| part == name);
        if !has(b"component-type") {
            wit_component::embed_component_metadata(
                &mut module,
                &self.resolve,
                self.world,
                StringEncoding::UTF8,
            )?;
        }
        let component = ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )?
            .encode()?;
        signed(&component, maker).context("its metadata cannot be written")
    }
}

/// The component with the names of those who made it.
pub(crate) fn signed(component: &[u8], maker: &Maker<'_>) -> anyhow::Result<Vec<u8>> {
    let mut producers = wasm_metadata::Producers::empty();
    producers.add("language", maker.language, "");
    producers.add("processed-by", maker.compiler.0, maker.compiler.1);
    producers.add("processed-by", "runner", env!("CARGO_PKG_VERSION"));
    producers.add_to_wasm(component)
}

/// Ours are the WIT and the generators.
fn broken(error: &anyhow::Error) -> Error {
    Error::wrong(format!("the bindings cannot be generated: {error:#}"))
}
