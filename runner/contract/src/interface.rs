//! An interface of WIT as a contract: each of its functions is a type of job.
//!
//! Refuses what has no JSON: resources, streams, futures, methods.

use std::collections::HashMap;
use std::sync::Arc;

use wit_parser::{FunctionKind, InterfaceId, Resolve, Type as WitType, TypeDefKind, TypeId};
use wit_parser::{TypeOwner, WorldId, WorldItem, WorldKey};

use super::notes::Notes;
use super::types::{Case, Field, Integer, Shape, Type};

/// The package of the host API.
const HOST: (&str, &str) = ("runner", "plugin");

/// A contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// `fundify:otp/otp-queue@1.0.0`.
    pub id: String,
    /// What its doc comment says.
    pub notes: Notes,
    /// The types of job, in the order of the WIT file.
    pub functions: Vec<Function>,
}

/// A type of job.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The name of the jobs.
    pub key: String,
    /// Its name in WIT.
    pub name: String,
    /// What its doc comment says.
    pub notes: Notes,
    /// The type of the payload: that of the only parameter, or an object with a field
    /// for each parameter. `None` without parameters: any payload will do.
    pub data: Option<Arc<Type>>,
    /// The type it returns; a `result` is a variant of `ok` and `error`.
    pub returns: Option<Arc<Type>>,
    /// Whether it returns a `result`.
    pub fallible: bool,
    /// Whether the error of that `result` is the `failure` of `runner:plugin/outcome`.
    pub fails: bool,
}

impl Interface {
    /// The function for jobs of this name.
    pub fn function(&self, key: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.key == key)
    }

    /// The id without its version: `fundify:otp/otp-queue`.
    pub fn unversioned(&self) -> &str {
        unversioned(&self.id)
    }
}

/// `fundify:otp/otp-queue` of `fundify:otp/otp-queue@1.0.0`.
pub fn unversioned(id: &str) -> &str {
    id.split_once('@').map_or(id, |(name, _)| name)
}

impl Function {
    /// The type of the value it returns when it succeeds.
    pub fn value(&self) -> Option<&Arc<Type>> {
        match (&self.returns, self.fallible) {
            (Some(returns), true) => match &returns.shape {
                Shape::Variant { cases, .. } => cases.first().and_then(|case| case.ty.as_ref()),
                _ => None,
            },
            (returns, _) => returns.as_ref(),
        }
    }
}

/// The interfaces a component exports, but for those of the host and of WASI,
/// each with the reason when it cannot be a contract.
pub(super) fn exported(
    resolve: &Resolve,
    world: WorldId,
) -> Vec<(InterfaceId, String, Result<Interface, String>)> {
    let exports = resolve.worlds[world].exports.iter();
    exports
        .filter_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(_), WorldItem::Interface { id, .. }) => Some(*id),
            _ => None,
        })
        .filter_map(|id| {
            let package = &resolve.packages[resolve.interfaces[id].package?].name;
            let known = package.namespace == "wasi" || is_host(package);
            let name = resolve.id_of(id)?;
            (!known).then(|| (id, name, read(resolve, id)))
        })
        .collect()
}

/// Whether a package is that of the host API.
pub(super) fn is_host(package: &wit_parser::PackageName) -> bool {
    (package.namespace.as_str(), package.name.as_str()) == HOST
}

/// An interface as a contract.
///
/// # Errors
/// What of it has no JSON, or a wrong tag, with the place.
pub(super) fn read(resolve: &Resolve, id: InterfaceId) -> Result<Interface, String> {
    let interface = &resolve.interfaces[id];
    let mut reader = Reader {
        resolve,
        known: HashMap::new(),
    };
    let functions: Vec<Function> = interface
        .functions
        .values()
        .map(|function| {
            reader
                .function(function)
                .map_err(|reason| format!("function `{}`: {reason}", function.name))
        })
        .collect::<Result<_, _>>()?;
    if functions.is_empty() {
        return Err("it has no function".into());
    }
    let name = |function: &Function| (function.key.clone(), function.name.clone());
    unique(functions.iter().map(name))?;
    Ok(Interface {
        id: resolve.id_of(id).ok_or("it has no name")?,
        notes: Notes::read(interface.docs.contents.as_deref().unwrap_or_default())?,
        functions,
    })
}

/// Two names must not mean the same in JSON.
fn unique(names: impl Iterator<Item = (String, String)>) -> Result<(), String> {
    let mut seen = HashMap::new();
    for (key, name) in names {
        if let Some(other) = seen.insert(key.clone(), name.clone()) {
            return Err(format!(
                "`{other}` and `{name}` are both {key:?} in JSON; change one with @name"
            ));
        }
    }
    Ok(())
}

struct Reader<'a> {
    resolve: &'a Resolve,
    known: HashMap<TypeId, Arc<Type>>,
}

impl Reader<'_> {
    fn function(&mut self, function: &wit_parser::Function) -> Result<Function, String> {
        if !matches!(function.kind, FunctionKind::Freestanding) {
            return Err("a job is a plain function, not a method and not async".into());
        }
        let notes = Notes::read(function.docs.contents.as_deref().unwrap_or_default())?;
        let mut fields = Vec::new();
        for param in &function.params {
            let ty = self
                .ty(&param.ty)
                .map_err(|reason| format!("parameter `{}`: {reason}", param.name))?;
            fields.push(field(&param.name, ty, Notes::default()));
        }
        let data = match fields.as_slice() {
            [] => None,
            [one] => Some(one.ty.clone()),
            _ => Some(Arc::new(Type::new(Type::record(fields)))),
        };
        let (mut fallible, mut fails) = (false, false);
        let returns = match &function.result {
            None => None,
            Some(result) => {
                if let Some(TypeDefKind::Result(result)) = self.kind(result) {
                    fallible = true;
                    fails = result
                        .err
                        .as_ref()
                        .is_some_and(|ty| self.is_host(ty, "failure"));
                }
                let ty = self.ty(result);
                Some(ty.map_err(|reason| format!("its result: {reason}"))?)
            }
        };
        Ok(Function {
            key: notes.name.clone().unwrap_or_else(|| function.name.clone()),
            name: function.name.clone(),
            notes,
            data,
            returns,
            fallible,
            fails,
        })
    }

    /// What a type is behind its names.
    fn kind(&self, ty: &WitType) -> Option<&TypeDefKind> {
        let WitType::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty) => self.kind(ty),
            kind => Some(kind),
        }
    }

    /// Whether it is this type of the host API.
    fn is_host(&self, ty: &WitType, name: &str) -> bool {
        let WitType::Id(id) = ty else { return false };
        let def = &self.resolve.types[*id];
        let owned = match def.owner {
            TypeOwner::Interface(id) => self.resolve.interfaces[id]
                .package
                .is_some_and(|package| is_host(&self.resolve.packages[package].name)),
            _ => false,
        };
        if owned && def.name.as_deref() == Some(name) {
            return true;
        }
        match &def.kind {
            TypeDefKind::Type(ty) => self.is_host(ty, name),
            _ => false,
        }
    }

    fn ty(&mut self, ty: &WitType) -> Result<Arc<Type>, String> {
        let shape = match ty {
            WitType::Bool => Shape::Bool,
            WitType::U8 => Shape::Integer(Integer::U8),
            WitType::U16 => Shape::Integer(Integer::U16),
            WitType::U32 => Shape::Integer(Integer::U32),
            WitType::U64 => Shape::Integer(Integer::U64),
            WitType::S8 => Shape::Integer(Integer::S8),
            WitType::S16 => Shape::Integer(Integer::S16),
            WitType::S32 => Shape::Integer(Integer::S32),
            WitType::S64 => Shape::Integer(Integer::S64),
            WitType::F32 => Shape::F32,
            WitType::F64 => Shape::F64,
            WitType::Char => Shape::Char,
            WitType::String => Shape::String,
            WitType::ErrorContext => return Err("an error-context has no JSON".into()),
            WitType::Id(id) => return self.defined(*id),
        };
        Ok(Arc::new(Type::new(shape)))
    }

    fn defined(&mut self, id: TypeId) -> Result<Arc<Type>, String> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let def = &self.resolve.types[id];
        let within = |reason| match &def.name {
            Some(name) => format!("type `{name}`: {reason}"),
            None => reason,
        };
        let notes =
            Notes::read(def.docs.contents.as_deref().unwrap_or_default()).map_err(within)?;
        let mut ty = if self.is_host(&WitType::Id(id), "json") {
            Type::new(Shape::Json)
        } else if let TypeDefKind::Type(of) = &def.kind {
            Type::clone(&*self.ty(of)?)
        } else {
            Type::new(self.shape(&def.kind).map_err(within)?)
        };
        if let Some(name) = &def.name {
            ty.name = Some(name.clone());
        }
        if notes != Notes::default() {
            ty.notes = notes;
        }
        let ty = Arc::new(ty);
        self.known.insert(id, ty.clone());
        Ok(ty)
    }

    fn shape(&mut self, kind: &TypeDefKind) -> Result<Shape, String> {
        Ok(match kind {
            TypeDefKind::Record(record) => {
                let mut fields = Vec::new();
                for of in &record.fields {
                    let within = |reason| format!("field `{}`: {reason}", of.name);
                    let notes = Notes::read(of.docs.contents.as_deref().unwrap_or_default());
                    let ty = self.ty(&of.ty).map_err(within)?;
                    fields.push(field(&of.name, ty, notes.map_err(within)?));
                }
                unique(fields.iter().map(|of| (of.key.clone(), of.name.clone())))?;
                Type::record(fields)
            }
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<_> = tuple
                    .types
                    .iter()
                    .map(|ty| self.ty(ty))
                    .collect::<Result<_, _>>()?;
                Type::tuple(types)
            }
            TypeDefKind::Option(ty) => Type::option(self.ty(ty)?),
            TypeDefKind::List(WitType::U8) => Shape::Bytes,
            TypeDefKind::List(ty) => Shape::List(self.ty(ty)?),
            TypeDefKind::Flags(flags) => Shape::Flags(cases(
                flags
                    .flags
                    .iter()
                    .map(|flag| Ok((camel(&flag.name), &*flag.name, &flag.docs, None))),
            )?),
            TypeDefKind::Enum(of) => {
                Shape::Enum(cases(of.cases.iter().map(|case| {
                    Ok((case.name.clone(), &*case.name, &case.docs, None))
                }))?)
            }
            TypeDefKind::Variant(variant) => {
                Type::variant(cases(variant.cases.iter().map(|case| {
                    let ty = case.ty.as_ref().map(|ty| self.ty(ty)).transpose()?;
                    Ok((case.name.clone(), &*case.name, &case.docs, ty))
                }))?)
            }
            TypeDefKind::Result(result) => {
                let mut case = |name: &str, ty: &Option<WitType>| {
                    Ok::<_, String>(Case {
                        key: name.to_owned(),
                        name: name.to_owned(),
                        ty: ty.as_ref().map(|ty| self.ty(ty)).transpose()?,
                        notes: Notes::default(),
                    })
                };
                Type::variant(vec![case("ok", &result.ok)?, case("error", &result.err)?])
            }
            TypeDefKind::Handle(_) => return Err("a resource has no JSON".into()),
            other => return Err(format!("a {} has no JSON", other.as_str())),
        })
    }
}

fn field(name: &str, ty: Arc<Type>, notes: Notes) -> Field {
    Field {
        key: notes.name.clone().unwrap_or_else(|| camel(name)),
        name: name.to_owned(),
        ty,
        offset: 0,
        notes,
    }
}

type Named<'a> = (String, &'a str, &'a wit_parser::Docs, Option<Arc<Type>>);

fn cases<'a>(all: impl Iterator<Item = Result<Named<'a>, String>>) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for one in all {
        let (key, name, docs, ty) = one?;
        let notes = Notes::read(docs.contents.as_deref().unwrap_or_default())
            .map_err(|reason| format!("`{name}`: {reason}"))?;
        cases.push(Case {
            key: notes.name.clone().unwrap_or(key),
            name: name.to_owned(),
            ty,
            notes,
        });
    }
    unique(cases.iter().map(|of| (of.key.clone(), of.name.clone())))?;
    Ok(cases)
}

/// `userName` of `user-name`, as JavaScript's bindings have it.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (at, word) in name.split('-').enumerate() {
        let mut letters = word.chars();
        match (at, letters.next()) {
            (0, _) => camel.push_str(&word.to_ascii_lowercase()),
            (_, Some(first)) => {
                camel.push(first.to_ascii_uppercase());
                camel.extend(letters);
            }
            (_, None) => {}
        }
    }
    camel
}
