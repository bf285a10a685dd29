//! The modules of a script, in binary.

use wast::{
    QuoteWat, Wast, WastDirective, WastExecute, Wat,
    lexer::Lexer,
    parser::{self, ParseBuffer},
    token::Span,
};

/// One module of a script.
pub(crate) struct Module {
    /// The line it is on, from 1.
    pub line: usize,
    pub bytes: Vec<u8>,
    /// Whether the script says that it is valid.
    pub valid: bool,
}

/// The tokens of a script.
pub(crate) fn buffer(text: &str) -> ParseBuffer<'_> {
    let mut lexer = Lexer::new(text);
    // Some scripts are about names that look like others.
    lexer.allow_confusing_unicode(true);
    ParseBuffer::new_with_lexer(lexer).expect("the suite's scripts have no strange tokens")
}

/// The directives of a script.
pub(crate) fn directives<'a>(buffer: &'a ParseBuffer<'a>) -> Vec<WastDirective<'a>> {
    parser::parse::<Wast<'a>>(buffer).expect("the suite's scripts parse").directives
}

/// The line that a span starts on, from 1.
pub(crate) fn line(span: Span, text: &str) -> usize {
    span.linecol_in(text).0 + 1
}

/// Every module of a script that has a binary form at all.
pub(crate) fn of(text: &str) -> Vec<Module> {
    let buffer = buffer(text);
    directives(&buffer).into_iter().filter_map(|directive| module(directive, text)).collect()
}

fn module(directive: WastDirective<'_>, text: &str) -> Option<Module> {
    let line = line(directive.span(), text);
    let (mut module, valid) = match directive {
        WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => (module, true),
        WastDirective::AssertUnlinkable { module, .. } => (QuoteWat::Wat(module), true),
        WastDirective::AssertTrap { exec, .. }
        | WastDirective::AssertReturn { exec, .. }
        | WastDirective::AssertException { exec, .. }
        | WastDirective::AssertSuspension { exec, .. } => (QuoteWat::Wat(executed(exec)?), true),
        WastDirective::AssertMalformed { module, .. } | WastDirective::AssertInvalid { module, .. } => (module, false),
        WastDirective::AssertInvalidCustom { .. }
        | WastDirective::AssertMalformedCustom { .. }
        | WastDirective::ModuleInstance { .. }
        | WastDirective::Register { .. }
        | WastDirective::Invoke(_)
        | WastDirective::AssertExhaustion { .. }
        | WastDirective::Thread(_)
        | WastDirective::Wait { .. } => return None,
    };
    let bytes = module.encode().ok()?;
    Some(Module { line, bytes, valid })
}

fn executed(exec: WastExecute<'_>) -> Option<Wat<'_>> {
    match exec {
        WastExecute::Wat(module) => Some(module),
        WastExecute::Invoke(_) | WastExecute::Get { .. } => None,
    }
}
