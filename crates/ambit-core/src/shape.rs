//! Static limits: how large and how deep a module may be, whatever it does.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    bound::Bound,
    ids::UnknownName,
    limits::{LimitError, limits},
    size::ByteSize,
    units::Count,
};

limits! {
    /// Limits on the shape of a module, checked by a streaming parser before an engine sees the bytes.
    ///
    /// They bound the work and memory of whoever compiles the module. The defaults admit the largest real programs
    /// known to us (LLVM: 133 398 functions; a Go program: 100 000 data segments and blocks nested 3 232 deep; a component
    /// from Python: 918 imports; ruby: 18 MB of custom sections).
    struct ShapeLimits, ShapeLimitsSpec, ShapeKey;

    types Types "types" Count = Bound::At(Count(10_000)), Count(1) => Count(1_000_000), "types defined; parameters, results and fields of all together may be 100 times as many";
    functions Functions "functions" Count = Bound::At(Count(200_000)), Count(1) => Count(1_000_000), "functions defined";
    body_size BodySize "body-size" ByteSize = Bound::At(ByteSize::mib(1)), ByteSize::bytes(1) => ByteSize::bytes(7_654_321),
        "size of one function body; constant expressions together may have 16 times as much";
    locals Locals "locals" Count = Bound::At(Count(10_000)), Count(1) => Count(50_000), "locals of one function, and height of its operand stack";
    total_locals TotalLocals "total-locals" Count = Bound::At(Count(5_000_000)), Count(1) => Count(1_000_000_000),
        "locals of all functions";
    nesting Nesting "nesting" Count = Bound::At(Count(10_000)), Count(1) => Count(1_000_000), "depth of nested blocks in a function";
    loop_nesting LoopNesting "loop-nesting" Count = Bound::At(Count(100)), Count(1) => Count(1_000_000), "depth of nested loops in a function";
    br_table BrTable "br-table" Count = Bound::At(Count(10_000)), Count(1) => Count(1_000_000), "targets of one br_table";
    total_br_table TotalBrTable "total-br-table" Count = Bound::At(Count(1_000_000)), Count(1) => Count(1_000_000_000),
        "targets of all br_tables";
    imports Imports "imports" Count = Bound::At(Count(5000)), Count(1) => Count(100_000), "imports";
    exports Exports "exports" Count = Bound::At(Count(10_000)), Count(1) => Count(1_000_000), "exports";
    name_size NameSize "name-size" ByteSize = Bound::At(ByteSize::kib(1)), ByteSize::bytes(1) => ByteSize::kib(100),
        "size of one import or export name, and of one name in a component type";
    data_segments DataSegments "data-segments" Count = Bound::At(Count(100_000)), Count(1) => Count(100_000),
        "data segments; the parser itself takes no more than 100 000";
    element_segments ElementSegments "element-segments" Count = Bound::At(Count(10_000)), Count(1) => Count(100_000),
        "element segments";
    element_items ElementItems "element-items" Count = Bound::At(Count(1_000_000)), Count(1) => Count(100_000_000),
        "items of all element segments";
    globals Globals "globals" Count = Bound::At(Count(10_000)), Count(1) => Count(1_000_000), "globals, and exception tags";
    params Params "params" Count = Bound::At(Count(1000)), Count(1) => Count(1000), "parameters, and results, of one function type";
    component_nesting ComponentNesting "component-nesting" Count = Bound::At(Count(100)), Count(1) => Count(1000),
        "depth of components within components";
    component_items ComponentItems "component-items" Count = Bound::At(Count(100_000)), Count(1) => Count(10_000_000),
        "types, instances, aliases and canonical functions of a component, all nested ones included";
    type_size TypeSize "type-size" Count = Bound::At(Count(100_000)), Count(1) => Count(1_000_000),
        "size of any one component type, counted with all it contains";
}
