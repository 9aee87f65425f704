//! A program's memory, of which the adapter has the end.
//!
//! The memory has all pages that the queue allows from the program's first use of
//! it: pages that nobody touches take nothing. The last few are the adapter's. The
//! program sees so many pages as it had at first, and gets those after them one by
//! one when it grows, up to the adapter's, as if nobody else were there.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, GlobalType,
    TypeSection, ValType,
};

use super::parts::Parts;

/// Pages of the adapter: one for its state, one for its stack, and as many again.
const ADAPTER: i32 = 4;
/// Bits of an address within a page.
const PAGE: i32 = 16;

/// Where what is added stands, after what the program has.
pub(super) struct Added {
    pub(super) types: Types,
    /// The import that tells how many pages there may be.
    limit: u32,
    /// The first of three functions.
    first: u32,
    /// The first of three globals.
    global: u32,
}

/// Types of functions.
#[derive(Clone, Copy)]
pub(super) struct Types {
    /// `() -> i32`
    pub(super) number: u32,
}

impl Added {
    pub(super) fn after(parts: &Parts) -> Added {
        Added {
            types: Types {
                number: parts.types,
            },
            limit: parts.imports,
            first: parts.functions + 1,
            global: parts.globals,
        }
    }

    /// Takes all pages at the first call.
    fn ready(&self) -> u32 {
        self.first
    }

    /// `memory.grow` as the program sees it.
    pub(super) fn grow(&self) -> u32 {
        self.first + 1
    }

    /// Memory for the adapter.
    pub(super) fn realloc(&self) -> u32 {
        self.first + 2
    }

    /// Pages that the program sees.
    pub(super) fn size(&self) -> u32 {
        self.global
    }

    /// Pages that it may see.
    fn most(&self) -> u32 {
        self.global + 1
    }

    /// Where the adapter's next bytes are; 0 at first.
    fn next(&self) -> u32 {
        self.global + 2
    }

    pub(super) fn types(&self, types: &mut TypeSection) {
        let number = ValType::I32;
        types.ty().function([], [number]);
        types.ty().function([], []);
        types.ty().function([number], [number]);
        types.ty().function([number; 4], [number]);
    }

    pub(super) fn functions(&self, functions: &mut FunctionSection) {
        for ty in 1..=3 {
            functions.function(self.types.number + ty);
        }
    }

    pub(super) fn globals(&self, parts: &Parts, globals: &mut GlobalSection) {
        let number = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        for value in [parts.pages as i32, 0, 0] {
            globals.global(number, &ConstExpr::i32_const(value));
        }
    }

    pub(super) fn code(&self, parts: &Parts, code: &mut CodeSection) {
        code.function(&self.ready_body(parts));
        code.function(&self.grow_body());
        code.function(&self.realloc_body());
    }

    fn ready_body(&self, parts: &Parts) -> Function {
        let mut body = Function::new([(1, ValType::I32)]);
        let mut code = body.instructions();
        // Once.
        code.global_get(self.next());
        code.if_(BlockType::Empty).return_().end();
        // All that there may be.
        code.call(self.limit).memory_size(0).i32_sub().local_tee(0);
        code.i32_const(0).i32_gt_s().if_(BlockType::Empty);
        code.local_get(0).memory_grow(0).drop().end();
        // If the program has it all, the adapter's pages are too many, which the host
        // takes note of.
        code.memory_size(0).i32_const(ADAPTER).i32_sub();
        code.global_get(self.size()).i32_lt_s();
        code.if_(BlockType::Empty);
        code.i32_const(ADAPTER)
            .memory_grow(0)
            .i32_const(0)
            .i32_lt_s();
        code.if_(BlockType::Empty).unreachable().end();
        code.end();
        // The end is the adapter's.
        code.memory_size(0)
            .i32_const(ADAPTER)
            .i32_sub()
            .local_tee(0);
        code.global_set(self.most());
        code.local_get(0)
            .i32_const(PAGE)
            .i32_shl()
            .global_set(self.next());
        if let Some(most) = parts.most {
            let most = most as i32;
            code.local_get(0).i32_const(most).i32_gt_u();
            code.if_(BlockType::Empty);
            code.i32_const(most).global_set(self.most()).end();
        }
        code.end();
        body
    }

    fn grow_body(&self) -> Function {
        let mut body = Function::new([(1, ValType::I32)]);
        let mut code = body.instructions();
        let (pages, before) = (0, 1);
        code.call(self.ready());
        code.global_get(self.size()).local_set(before);
        code.local_get(pages);
        code.global_get(self.most()).local_get(before).i32_sub();
        code.i32_gt_u().if_(BlockType::Empty);
        // The host takes note of what it refuses, unless the program itself has said
        // that it wants no more.
        code.global_get(self.most()).i32_const(ADAPTER).i32_add();
        code.memory_size(0).i32_eq().if_(BlockType::Empty);
        code.local_get(pages).memory_grow(0).drop().end();
        code.i32_const(-1).return_().end();
        code.local_get(before).local_get(pages).i32_add();
        code.global_set(self.size());
        code.local_get(before).end();
        body
    }

    fn realloc_body(&self) -> Function {
        let mut body = Function::new([(1, ValType::I32)]);
        let mut code = body.instructions();
        // After the old address and the old size, which are 0.
        let (align, size, start) = (2, 3, 4);
        code.call(self.ready());
        code.global_get(self.next()).local_get(align).i32_add();
        code.i32_const(1).i32_sub();
        code.i32_const(0).local_get(align).i32_sub().i32_and();
        code.local_tee(start).local_get(size).i32_add();
        code.global_set(self.next());
        code.global_get(self.next());
        code.memory_size(0).i32_const(PAGE).i32_shl().i32_gt_u();
        code.if_(BlockType::Empty).unreachable().end();
        code.local_get(start).end();
        body
    }
}
