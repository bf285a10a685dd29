//! Grants that are added to those of a policy.

use std::str::FromStr;

use ambit_core::{ByteSize, Clock, Grants, NetGrant, Random, RejectReason, Rejection, Stdin, escape};

/// Grants to add. Text is read when it is given, so that what is wrong with it is said at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Added {
    /// The others: no clock, random numbers or input.
    pub(super) grants: Grants,
    pub(super) stdin: Option<Stdin>,
    pub(super) clock: Option<Clock>,
    pub(super) random: Option<Random>,
}

impl Added {
    /// Adds the grant of this name.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Result<(), Rejection> {
        use ambit_core::GrantKey as Key;
        let key = name.replace('_', "-").parse::<Key>().map_err(|error| refuse(name, error))?;
        let Self { grants, stdin, clock, random } = self;
        match key {
            Key::Args => grants.args.push(value.into()),
            Key::Env => match value.split_once('=') {
                Some((variable, value)) => self.env(variable, value)?,
                None => return Err(refuse(name, format_args!("`{}` is not NAME=VALUE", escape(value, 64)))),
            },
            Key::Stdin => *stdin = Some(input(value)),
            Key::Dirs => grants.dirs.push(parse(name, value)?),
            Key::Tmp => grants.tmp = Some(tmp(parse(name, value)?)?),
            Key::Clock => *clock = Some(parse(name, value)?),
            Key::Random => *random = Some(parse(name, value)?),
            Key::Net => grants.net.push(NetGrant(value.into())),
            Key::Listen => grants.listen.push(value.into()),
            Key::Http => grants.http.push(value.into()),
            Key::Kv => grants.kv.push(value.into()),
            Key::Config => match value.split_once('=') {
                Some((key, value)) => grants.config.push((key.into(), value.into())),
                None => return Err(refuse(name, format_args!("`{}` is not KEY=VALUE", escape(value, 64)))),
            },
            Key::Secrets => grants.secrets.push(value.into()),
            Key::Logging => grants.logging = parse(name, value)?,
            Key::Metrics => grants.metrics = parse(name, value)?,
            Key::Functions => grants.functions.push(value.into()),
        }
        Ok(())
    }

    /// Sets a variable; a later one of that name replaces an earlier one.
    pub(super) fn env(&mut self, name: &str, value: &str) -> Result<(), Rejection> {
        if name.is_empty() || name.contains(['\0', '=']) || value.contains('\0') {
            return Err(refuse("env", format_args!("`{}` is no name of a variable, or its value has a NUL", escape(name, 64))));
        }
        set(&mut self.grants.env, name.into(), value.into());
        Ok(())
    }

    /// These grants besides those of `base`; `None` if there are none.
    pub(super) fn to(&self, base: &Grants) -> Option<Grants> {
        let Self { grants, stdin, clock, random } = self.clone();
        if grants == Grants::default() && stdin.is_none() && clock.is_none() && random.is_none() {
            return None;
        }
        let mut all = base.clone();
        // Destructured in full: a new grant does not compile until it is added here.
        let Grants {
            args,
            env,
            stdin: _,
            dirs,
            tmp,
            clock: _,
            random: _,
            net,
            listen,
            http,
            kv,
            config,
            secrets,
            logging,
            metrics,
            functions,
        } = grants;
        all.args.extend(args);
        for (name, value) in env {
            set(&mut all.env, name, value);
        }
        all.stdin = stdin.unwrap_or(all.stdin);
        all.dirs.extend(dirs);
        all.tmp = tmp.or(all.tmp);
        all.clock = clock.unwrap_or(all.clock);
        all.random = random.unwrap_or(all.random);
        all.net.extend(net);
        all.listen.extend(listen);
        all.http.extend(http);
        all.kv.extend(kv);
        all.config.extend(config);
        all.secrets.extend(secrets);
        all.logging |= logging;
        all.metrics |= metrics;
        all.functions.extend(functions);
        Some(all)
    }
}

fn set(env: &mut Vec<(String, String)>, name: String, value: String) {
    env.retain(|(known, _)| *known != name);
    env.push((name, value));
}

fn input(text: &str) -> Stdin {
    match text {
        "none" => Stdin::None,
        "inherit" => Stdin::Inherit,
        path => Stdin::File(path.into()),
    }
}

/// The size of a `/tmp`, into which something must fit.
fn tmp(size: ByteSize) -> Result<ByteSize, Rejection> {
    if size.get() == 0 {
        return Err(refuse("tmp", "nothing fits into 0 bytes; leave it out for no /tmp"));
    }
    Ok(size)
}

fn parse<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, Rejection> {
    value.parse().map_err(|error: T::Err| refuse(name, error))
}

fn refuse(name: &str, why: impl std::fmt::Display) -> Rejection {
    Rejection::new(RejectReason::Policy, format!("grant `{}`: {why}", escape(name, 64)))
}

#[cfg(test)]
mod tests {
    use ambit_core::GrantKey;

    use super::*;

    #[test]
    fn every_grant_has_a_name_and_arrives() {
        let value = |key: GrantKey| match key {
            GrantKey::Env | GrantKey::Config => "A=b",
            GrantKey::Stdin => "inherit",
            GrantKey::Dirs => "/a:/b",
            GrantKey::Tmp => "1MiB",
            GrantKey::Clock => "real",
            GrantKey::Random => "7",
            GrantKey::Logging | GrantKey::Metrics => "true",
            _ => "x",
        };
        for &key in GrantKey::ALL {
            let mut added = Added::default();
            added.add(key.name(), value(key)).expect("a grant");
            let all = added.to(&Grants::default()).expect("something is added");
            assert!(key == GrantKey::Random || all.given().eq([key]), "{key}");
            assert_eq!(all.random == Random::Seeded(7), key == GrantKey::Random, "{key}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |name: &str, value: &str, expect: &str| {
            let error = Added::default().add(name, value).expect_err(expect);
            assert!(error.message.contains(expect), "{error}");
        };
        check("dirz", "/a:/b", "grant `dirz`: there is no grant `dirz`; did you mean `dirs`?");
        check("dirs", "/a", "HOST:GUEST");
        check("env", "A", "`A` is not NAME=VALUE");
        check("env", "=b", "no name of a variable");
        check("clock", "atomic", "known are");
        check("tmp", "1mb", "unknown unit");
        check("tmp", "0", "leave it out");
    }

    #[test]
    fn they_are_added_and_later_ones_win() {
        let mut base = Grants { args: vec!["a".into()], env: vec![("A".into(), "1".into())], ..Grants::default() };
        base.clock = Clock::Real;
        let mut added = Added::default();
        assert_eq!(added.to(&base), None);
        for (name, value) in [("args", "b"), ("env", "A=2"), ("env", "B=3"), ("env", "A=4")] {
            added.add(name, value).expect("a grant");
        }
        let all = added.to(&base).expect("something is added");
        assert_eq!(all.args, ["a", "b"]);
        assert_eq!(all.env, [("B".into(), "3".into()), ("A".into(), "4".into())].map(|(a, b): (String, String)| (a, b)));
        assert_eq!((all.clock, all.stdin), (Clock::Real, Stdin::None));
        base.stdin = Stdin::Inherit;
        added.add("stdin", "none").expect("a grant");
        assert_eq!(added.to(&base).expect("something is added").stdin, Stdin::None);
    }
}
