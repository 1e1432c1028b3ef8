//! Conditions over claims, in CEL (the Common Expression Language, as Kubernetes has it in its own policies).
//!
//! A claim is a variable of its name, or `claims.NAME` or `claims["NAME"]`, whatever letters it has. Where a claim that a condition needs is
//! not in the token, or has another type than the condition takes it for, the condition does not hold: it is never taken for true that
//! something that is missing differs from something.
//!
//! What can be known without a token is checked at the start: the syntax, the functions, and which claims it needs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bulkhead_plugin_sdk::glob::TextGlob;
use bulkhead_plugin_sdk::prelude::*;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Context, Env, ExecutionError, IdedExpr, ParseErrors, Program, Value};
use serde_json::Map;

use crate::settings::is_claim;

const CLAIMS: &str = "claims";
const INDEX: &str = "_[_]";
const GLOB: &str = "glob";
/// The longest condition, in bytes.
const MOST: usize = 2_048;
/// What a condition may call by name. Those of CEL that make or take apart times and bytes are not among them.
const FUNCTIONS: [&str; 8] = ["contains", "double", "endsWith", GLOB, "int", "size", "startsWith", "string"];
/// What the parser makes of `has`, `in`, `all`, `exists` and the like.
const MADE_BY_THE_PARSER: [&str; 2] = ["@in", "@not_strictly_false"];

/// What conditions are written in.
pub struct Language(Arc<Env>);

/// What conditions are asked about: the claims of one token.
pub struct Facts(Context<'static, 'static>);

/// One condition.
pub struct Condition {
    program: Program,
    claims: BTreeSet<String>,
}

impl Language {
    /// CEL's own, without optional values, and with `TEXT.glob(PATTERN)`.
    pub fn new() -> Result<Self> {
        let mut env = Env::stdlib().with_optional_support(false);
        env.add_member_overload(GLOB, "string_glob", STRING_TYPE, vec![STRING_TYPE], glob).or_internal("the function `glob`")?;
        Ok(Self(Arc::new(env)))
    }

    /// The claims as variables.
    pub fn facts(&self, claims: &Map<String, serde_json::Value>) -> Facts {
        let mut context = Context::with_env(self.0.clone());
        for (name, claim) in claims.iter().filter(|(name, _)| is_identifier(name)) {
            context.add_variable_from_value(name.as_str(), value(claim));
        }
        // After the others: a claim of this name is `claims.claims`.
        context.add_variable_from_value(CLAIMS, map(claims));
        Facts(context)
    }

    /// The error says what is wrong, and where.
    pub fn compile(&self, text: &str) -> Result<Condition, String> {
        if text.len() > MOST {
            return Err(format!("{} bytes: a condition has at most {MOST}", text.len()));
        }
        let program = self.0.compile(text).map_err(|errors| said(&errors))?;
        let mut needs = Needs { program: &program, bound: Vec::new(), claims: BTreeSet::new() };
        needs.gather(program.expression())?;
        let claims = needs.claims;
        if matches!(program.expression().expr, Expr::Literal(LiteralValue::Boolean(_))) || !claims.is_empty() {
            return Ok(Condition { program, claims });
        }
        Err("it asks about no claim: write one, such as `repository == \"org/app\"`, or `true` for every token of the issuer"
            .to_owned())
    }
}

impl Condition {
    /// The claims that it needs.
    pub fn claims(&self) -> impl Iterator<Item = &String> {
        self.claims.iter()
    }

    /// Whether it holds. What cannot be said, since a claim is missing or of another type, does not.
    pub fn holds(&self, facts: &Facts) -> bool {
        matches!(self.program.execute(&facts.0), Ok(Value::Bool(true)))
    }
}

/// What a condition needs, found by going through it.
struct Needs<'a> {
    program: &'a Program,
    /// Variables that the condition makes itself, as in `groups.exists(group, ...)`.
    bound: Vec<String>,
    claims: BTreeSet<String>,
}

impl Needs<'_> {
    fn gather(&mut self, at: &IdedExpr) -> Result<(), String> {
        match &at.expr {
            Expr::Ident(name) if self.bound.contains(name) => Ok(()),
            Expr::Ident(name) if name == CLAIMS => {
                Err(self.fault(at, "write `claims.NAME` or `claims[\"NAME\"]`: all claims at once are not kept"))
            }
            Expr::Ident(name) => self.need(at, name),
            Expr::Select(select) if self.is_claims(&select.operand) => self.need(at, &select.field),
            Expr::Select(select) => self.gather(&select.operand),
            Expr::Call(call) if call.func_name == INDEX => match &call.args[..] {
                [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] if self.is_claims(of) => {
                    self.need(at, name.inner())
                }
                args => args.iter().try_for_each(|arg| self.gather(arg)),
            },
            Expr::Call(call) => {
                self.check_call(at, &call.func_name, &call.args)?;
                call.target.iter().try_for_each(|target| self.gather(target))?;
                call.args.iter().try_for_each(|arg| self.gather(arg))
            }
            Expr::Comprehension(loops) => {
                self.gather(&loops.iter_range)?;
                self.gather(&loops.accu_init)?;
                let before = self.bound.len();
                self.bound.extend([loops.iter_var.clone(), loops.accu_var.clone()]);
                self.bound.extend(loops.iter_var2.clone());
                let inner = [&loops.loop_cond, &loops.loop_step, &loops.result];
                inner.into_iter().try_for_each(|inner| self.gather(inner))?;
                self.bound.truncate(before);
                Ok(())
            }
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.gather(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.gather(&entry.key).and_then(|()| self.gather(&entry.value)),
                EntryExpr::StructField(field) => self.gather(&field.value),
            }),
            Expr::Struct(_) => Err(self.fault(at, "there are no structures here")),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn is_claims(&self, at: &IdedExpr) -> bool {
        matches!(&at.expr, Expr::Ident(name) if name == CLAIMS) && !self.bound.iter().any(|bound| bound == CLAIMS)
    }

    fn need(&mut self, at: &IdedExpr, name: &str) -> Result<(), String> {
        if !is_claim(name) {
            return Err(self.fault(at, "a claim's name has 1 to 200 bytes and does not end with `:json`"));
        }
        self.claims.insert(name.to_owned());
        Ok(())
    }

    fn check_call(&self, at: &IdedExpr, name: &str, args: &[IdedExpr]) -> Result<(), String> {
        let is_operator = name.contains('_') && name.bytes().all(|byte| byte.is_ascii_punctuation());
        if !is_operator && !MADE_BY_THE_PARSER.contains(&name) && !FUNCTIONS.contains(&name) {
            return Err(self.fault(at, &format!("there is no function `{name}`: there are {}", FUNCTIONS.join(", "))));
        }
        match args {
            [IdedExpr { expr: Expr::Literal(LiteralValue::String(pattern)), .. }] if name == GLOB => {
                TextGlob::parse_words(pattern.inner()).map(drop).map_err(|text| self.fault(at, &text))
            }
            _ => Ok(()),
        }
    }

    fn fault(&self, at: &IdedExpr, text: &str) -> String {
        match self.program.source_info().offset_for(at.id) {
            Some((start, _)) => format!("at character {}: {text}", start + 1),
            None => text.to_owned(),
        }
    }
}

fn placed(line: isize, column: isize, text: &str) -> String {
    if line <= 1 { format!("at character {column}: {text}") } else { format!("at line {line}, character {column}: {text}") }
}

/// The first fault, without the list of all that could have stood there.
fn said(errors: &ParseErrors) -> String {
    let Some(first) = errors.errors.first() else { return "not understood".to_owned() };
    let text = first.msg.split(" expecting ").next().unwrap_or_default();
    placed(first.pos.0, first.pos.1, text)
}

/// `TEXT.glob(PATTERN)`: `*` is any run of characters, `?` any one.
fn glob<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |index: usize| args.get(index).and_then(|arg| arg.downcast_ref::<CelString<'_>>()).map(CelString::inner);
    let (Some(text), Some(pattern)) = (text(0), text(1)) else {
        return Err(ExecutionError::function_error(GLOB, "a text and a pattern"));
    };
    let pattern = TextGlob::parse_words(pattern).map_err(|error| ExecutionError::function_error(GLOB, error))?;
    Ok(CowVal::owned(CelBool::from(pattern.matches(text))))
}

fn is_identifier(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_inner) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::String(Arc::new(text.clone())),
        serde_json::Value::Array(values) => Value::List(Arc::new(values.iter().map(value).collect())),
        serde_json::Value::Object(object) => map(object),
    }
}

fn map(object: &Map<String, serde_json::Value>) -> Value {
    let entries: HashMap<cel::objects::Key, Value> =
        object.iter().map(|(name, inner)| (name.clone().into(), value(inner))).collect();
    Value::Map(entries.into())
}
