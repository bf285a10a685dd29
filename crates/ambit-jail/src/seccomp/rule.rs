//! One allowed system call: which, with which arguments, until when, and why.

use std::fmt;

/// An allowed system call. Several rules may name the same call: it is allowed if one of them allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The call's name.
    pub name: &'static str,
    /// Its number on this architecture.
    pub number: i64,
    /// With which arguments.
    pub when: Condition,
    /// Who needs it, and for what.
    pub why: &'static str,
    /// The last phase in which it is allowed.
    pub phase: Phase,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// In the jail, and waiting for a job or mapping its artifact. Nothing of a guest has run.
    Loading,
    /// For the rest of the process's life.
    Running,
}

/// Arguments with which a call is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Any.
    Always,
    /// Those that pass each of these tests.
    Args(&'static [Arg]),
}

/// A test of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    pub(super) index: u8,
    pub(super) width: Width,
    pub(super) test: Test,
    /// The test in words, for the table in the documents.
    text: &'static str,
}

/// How much of an argument the kernel looks at. The rest of the register is whatever the caller left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// The lower half: an `int`.
    Int,
    /// All of it: a `long` or a pointer.
    Long,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// It is this.
    Is(u64),
    /// It has no bits but these.
    Within(u64),
    /// It has these bits, of those that `mask` names.
    Masked { mask: u64, value: u64 },
    /// It is the calling process.
    OwnProcess,
}

impl Arg {
    /// A test of the argument at `index`, of which the kernel reads an `int`.
    pub(super) const fn int(index: u8, test: Test, text: &'static str) -> Self {
        Self { index, width: Width::Int, test, text }
    }

    /// A test of the argument at `index`, of which the kernel reads all.
    pub(super) const fn long(index: u8, test: Test, text: &'static str) -> Self {
        Self { index, width: Width::Long, test, text }
    }
}

impl Rule {
    /// Allows a call, given as the name of its constant in `libc`, whatever its arguments. Use [`call`].
    pub(super) const fn new(constant: &'static str, number: i64, why: &'static str) -> Self {
        let (_, name) = constant.split_at("SYS_".len());
        Self { name, number, when: Condition::Always, why, phase: Phase::Running }
    }

    /// The same with these arguments only.
    pub(super) const fn with(self, args: &'static [Arg]) -> Self {
        Self { when: Condition::Args(args), ..self }
    }

    /// The same until the artifact is mapped.
    pub(super) const fn while_loading(self) -> Self {
        Self { phase: Phase::Loading, ..self }
    }
}

/// A [`Rule`]: `call!(SYS_read, "why")`. Name and number come from one constant, so that they cannot disagree.
macro_rules! call {
    ($constant:ident, $why:literal) => {
        $crate::seccomp::rule::Rule::new(stringify!($constant), libc::$constant, $why)
    };
}
pub(super) use call;

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Condition::Args(args) = self else { return Ok(()) };
        for (at, arg) in args.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { "; " }, arg.text)?;
        }
        Ok(())
    }
}
