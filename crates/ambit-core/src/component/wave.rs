//! Reading WAVE by type.

use std::{borrow::Cow, str::FromStr};

use wasm_wave::{
    ast::{Node, NodeType},
    untyped::{UntypedFuncCall, UntypedValue},
};

use super::{
    mismatch::{At, Mismatch, Path},
    ty::ComponentType,
    value::ComponentValue,
};

/// What is put before parentheses so that they are a call.
const CALL: &str = "f";

impl ComponentValue {
    /// Reads the arguments of a function from WAVE: values in parentheses with commas between them. Options at the end may be
    /// left out, and so may fields that are options.
    ///
    /// # Errors
    /// It is no such text, or its values are not of these types; says where.
    pub fn parse_args(text: &str, params: &[(String, ComponentType)]) -> Result<Vec<Self>, Mismatch> {
        let source = format!("{CALL}{text}");
        let call = UntypedFuncCall::parse(&source).map_err(|error| unreadable(&source, &error, "values in parentheses"))?;
        let given = call.params_node().map(Node::as_tuple).transpose();
        let given = given.map_err(|error| unreadable(&source, &error, "values in parentheses"))?;
        arguments(given.into_iter().flatten().map(|node| (source.as_str(), node)), params)
    }

    /// The same of texts of which each is one value, and not a part of one or several.
    ///
    /// # Errors
    /// As [`ComponentValue::parse_args`].
    pub fn parse_each_arg(texts: &[String], params: &[(String, ComponentType)]) -> Result<Vec<Self>, Mismatch> {
        let parse = |text| UntypedValue::parse(text).map_err(|error| unreadable(text, &error, "a value for each argument"));
        let given = texts.iter().map(|text| parse(text.as_str())).collect::<Result<Vec<_>, _>>()?;
        arguments(given.iter().map(|value| (value.source(), value.node())), params)
    }
}

/// Reads the arguments of a function, each of which stands in some text.
fn arguments<'a>(
    mut given: impl Iterator<Item = (&'a str, &'a Node)>,
    params: &[(String, ComponentType)],
) -> Read<Vec<ComponentValue>> {
    let mut values = Vec::with_capacity(params.len());
    for (name, ty) in params {
        let path = Path::Of(&Path::Root, At::Name(name));
        values.push(match given.next() {
            Some((source, node)) => Reader { source }.value(node, ty, &path)?,
            None if matches!(ty, ComponentType::Option(_)) => ComponentValue::Option(None),
            None => return Err(Mismatch::new(&path, ty, "")),
        });
    }
    match given.next() {
        Some((source, node)) => {
            let expected = format!("{} argument{}", params.len(), if params.len() == 1 { "" } else { "s" });
            Err(Mismatch::new(&Path::Root, expected, format!("one more: {}", &source[node.span()])))
        }
        None => Ok(values),
    }
}

/// Characters that are shown of a text from where it cannot be read: the reason is to follow.
const REST: usize = 40;

fn unreadable(source: &str, error: &wasm_wave::parser::ParserError, expected: &str) -> Mismatch {
    let at = error.span().start.min(source.len());
    let rest = source.get(at..).unwrap_or_default();
    let (shown, more) = match rest.char_indices().nth(REST) {
        Some((cut, _)) => (&rest[..cut], "…"),
        None => (rest, ""),
    };
    let found = if rest.is_empty() { "the end".into() } else { format!("`{shown}{more}` ({})", error.kind()) };
    Mismatch::new(&Path::Root, expected, found)
}

struct Reader<'a> {
    source: &'a str,
}

type Read<T> = Result<T, Mismatch>;

impl Reader<'_> {
    fn text(&self, node: &Node) -> &str {
        self.source.get(node.span()).unwrap_or_default()
    }

    fn number<T: FromStr>(&self, node: &Node) -> Option<T> {
        node.as_number(self.source).ok()
    }

    /// Digits are no infinity, however many.
    fn float<T: FromStr + Into<f64> + Copy>(&self, node: &Node) -> Option<T> {
        let is_beyond = |value: T| value.into().is_infinite() && !self.text(node).ends_with("inf");
        self.number(node).filter(|value| !is_beyond(*value))
    }

    fn value(&self, node: &Node, ty: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
        let scalar = match ty {
            ComponentType::Bool => node.as_bool().ok().map(ComponentValue::Bool),
            ComponentType::S8 => self.number(node).map(ComponentValue::S8),
            ComponentType::U8 => self.number(node).map(ComponentValue::U8),
            ComponentType::S16 => self.number(node).map(ComponentValue::S16),
            ComponentType::U16 => self.number(node).map(ComponentValue::U16),
            ComponentType::S32 => self.number(node).map(ComponentValue::S32),
            ComponentType::U32 => self.number(node).map(ComponentValue::U32),
            ComponentType::S64 => self.number(node).map(ComponentValue::S64),
            ComponentType::U64 => self.number(node).map(ComponentValue::U64),
            ComponentType::F32 => self.float(node).map(ComponentValue::F32),
            ComponentType::F64 => self.float(node).map(ComponentValue::F64),
            ComponentType::Char => node.as_char(self.source).ok().map(ComponentValue::Char),
            ComponentType::String => node.as_str(self.source).ok().map(Cow::into_owned).map(ComponentValue::String),
            ComponentType::List(element) => return self.list(node, ty, element, path),
            ComponentType::Record(fields) => return self.record(node, ty, fields, path),
            ComponentType::Tuple(types) => return self.tuple(node, ty, types, path),
            ComponentType::Variant(cases) => return self.variant(node, ty, cases, path),
            ComponentType::Enum(cases) => node
                .as_enum(self.source)
                .ok()
                .filter(|case| cases.iter().any(|name| name == case))
                .map(|case| ComponentValue::Enum(case.to_owned())),
            ComponentType::Option(payload) => return self.option(node, payload, path),
            ComponentType::Result(parts) => return self.result(node, ty, parts, path),
            ComponentType::Flags(names) => return self.flags(node, ty, names, path),
        };
        scalar.ok_or_else(|| self.wrong(node, ty, path))
    }

    fn wrong(&self, node: &Node, ty: &ComponentType, path: &Path<'_>) -> Mismatch {
        Mismatch::new(path, ty, self.text(node))
    }

    fn list(&self, node: &Node, ty: &ComponentType, element: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
        let nodes = node.as_list().map_err(|_| self.wrong(node, ty, path))?.enumerate();
        let values = nodes.map(|(index, node)| self.value(node, element, &Path::Of(path, At::Index(index))));
        values.collect::<Read<_>>().map(ComponentValue::List)
    }

    fn tuple(&self, node: &Node, ty: &ComponentType, types: &[ComponentType], path: &Path<'_>) -> Read<ComponentValue> {
        let nodes: Vec<&Node> = node.as_tuple().map_err(|_| self.wrong(node, ty, path))?.collect();
        if nodes.len() != types.len() {
            return Err(self.wrong(node, ty, path));
        }
        let pairs = types.iter().zip(nodes).enumerate();
        let values = pairs.map(|(index, (ty, node))| self.value(node, ty, &Path::Of(path, At::Index(index))));
        values.collect::<Read<_>>().map(ComponentValue::Tuple)
    }

    fn record(&self, node: &Node, ty: &ComponentType, fields: &[(String, ComponentType)], path: &Path<'_>) -> Read<ComponentValue> {
        // `{}` is a set of no flags to the language, and to people a record without fields.
        let empty = node.ty() == NodeType::Flags && node.as_flags(self.source).is_ok_and(|mut names| names.next().is_none());
        let mut given: Vec<(&str, &Node)> = match node.as_record(self.source) {
            Ok(given) => given.collect(),
            Err(_) if empty => Vec::new(),
            Err(_) => return Err(self.wrong(node, ty, path)),
        };
        let mut values = Vec::with_capacity(fields.len());
        for (name, ty) in fields {
            let path = Path::Of(path, At::Name(name));
            let value = match given.iter().position(|(given, _)| given == name) {
                Some(index) => self.value(given.swap_remove(index).1, ty, &path)?,
                None if matches!(ty, ComponentType::Option(_)) => ComponentValue::Option(None),
                // A field that is there and not known is the likelier mistake.
                None => {
                    let known = |(given, _): &&(&str, &Node)| !fields.iter().any(|(name, _)| name == given);
                    let found = given.iter().find(known).map_or(String::new(), |(given, _)| format!("`{given}` instead"));
                    return Err(Mismatch::new(&path, ty, found));
                }
            };
            values.push((name.clone(), value));
        }
        match given.first() {
            Some((name, _)) => Err(Mismatch::part(path, ty, "the field", name)),
            None => Ok(ComponentValue::Record(values)),
        }
    }

    fn variant(
        &self,
        node: &Node,
        ty: &ComponentType,
        cases: &[(String, Option<ComponentType>)],
        path: &Path<'_>,
    ) -> Read<ComponentValue> {
        let wrong = || self.wrong(node, ty, path);
        // Cases that are called like words of the language are read as these.
        let (case, payload) = node.as_variant(self.source).map_err(|_| wrong())?;
        let (name, payload_type) = cases.iter().find(|(name, _)| name == case).ok_or_else(wrong)?;
        let value = self.payload(payload_type.as_ref(), payload, &Path::Of(path, At::Name(name)), wrong)?;
        Ok(ComponentValue::Variant(name.clone(), value))
    }

    fn payload(
        &self,
        ty: Option<&ComponentType>,
        node: Option<&Node>,
        path: &Path<'_>,
        wrong: impl FnOnce() -> Mismatch,
    ) -> Read<Option<Box<ComponentValue>>> {
        match (ty, node) {
            (Some(ty), Some(node)) => self.value(node, ty, path).map(Box::new).map(Some),
            (Some(ty), None) => Err(Mismatch::new(path, ty, "")),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(wrong()),
        }
    }

    /// What is not an option itself may be written without `some`.
    fn option(&self, node: &Node, payload: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
        let inner = match node.ty() {
            NodeType::OptionNone => return Ok(ComponentValue::Option(None)),
            NodeType::OptionSome => node.as_option().ok().flatten().unwrap_or(node),
            _ => node,
        };
        self.value(inner, payload, path).map(|value| ComponentValue::Option(Some(Box::new(value))))
    }

    fn result(
        &self,
        node: &Node,
        ty: &ComponentType,
        parts: &(Option<ComponentType>, Option<ComponentType>),
        path: &Path<'_>,
    ) -> Read<ComponentValue> {
        let wrong = || self.wrong(node, ty, path);
        let at = |name| Path::Of(path, At::Name(name));
        match node.as_result().map_err(|_| wrong())? {
            Ok(value) => self.payload(parts.0.as_ref(), value, &at("ok"), wrong).map(|value| ComponentValue::Result(Ok(value))),
            Err(value) => self.payload(parts.1.as_ref(), value, &at("err"), wrong).map(|value| ComponentValue::Result(Err(value))),
        }
    }

    fn flags(&self, node: &Node, ty: &ComponentType, names: &[String], path: &Path<'_>) -> Read<ComponentValue> {
        let given: Vec<&str> = node.as_flags(self.source).map_err(|_| self.wrong(node, ty, path))?.collect();
        let plain: Vec<&str> = given.iter().map(|name| name.strip_prefix('%').unwrap_or(name)).collect();
        if let Some(unknown) = plain.iter().find(|flag| !names.iter().any(|name| name == *flag)) {
            return Err(Mismatch::part(path, ty, "the flag", unknown));
        }
        Ok(ComponentValue::Flags(names.iter().filter(|name| plain.contains(&name.as_str())).cloned().collect()))
    }
}
