//! Bytes and values in and out, by the memory convention.

use ambit_admit::ModuleKind;
use ambit_engine::{Call, Exchange};
use ambit_runtime::Finished;
use serde::{Serialize, de::DeserializeOwned};

use crate::{block::block_on, codec::Format, error::Error, func::ended, instance::Instance, module::Module};

/// Calls that pass bytes in and out, each in a fresh instance, by the [memory convention](crate#the-memory-convention).
///
/// A reply may be as long as the limit `host-buffers` allows, 16 MiB by default; it lies in host memory, uncharged.
impl Module {
    /// Passes bytes to an exported function, and takes its reply: for Protobuf, say, or for text.
    ///
    /// # Errors
    /// The module does not keep the convention, as far as its exports show; it was refused for lack of room; or it ended
    /// otherwise than by replying, as one does that lies about an address or a length.
    pub async fn call_bytes(&self, name: &str, input: impl Into<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let call = exchange(self, name, input.into())?;
        reply(name, self.perform(call).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call_bytes`].
    pub fn call_bytes_blocking(&self, name: &str, input: impl Into<Vec<u8>>) -> Result<Vec<u8>, Error> {
        block_on(self.call_bytes(name, input))
    }

    /// Passes a value to an exported function as JSON, and reads its reply as JSON.
    ///
    /// A component's function has types of its own: `input` is its arguments, as a tuple or array of all of them or as a struct or
    /// object by their names, and what comes back is what it returns, as [`ComponentFunc::call_as`](crate::ComponentFunc::call_as)
    /// says.
    ///
    /// # Errors
    /// As [`Module::call_bytes`]; or the value has no form in JSON, or the reply is not what it was to be. Of a component:
    /// as [`ComponentFunc::call_as`](crate::ComponentFunc::call_as).
    pub async fn call_json<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        if self.verified().kind() == ModuleKind::Component {
            return self.component_func(name)?.call_as(input).await;
        }
        self.call_as(Format::Json, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call_json`].
    pub fn call_json_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        block_on(self.call_json(name, input))
    }

    /// Passes a value to an exported function as MessagePack, and reads its reply as MessagePack. Structs are written as maps
    /// with names, and read from maps or arrays.
    ///
    /// # Errors
    /// As [`Module::call_bytes`]; or the value has no form in MessagePack, or the reply is not what it was to be.
    pub async fn call_msgpack<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        self.call_as(Format::MessagePack, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call_msgpack`].
    pub fn call_msgpack_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        block_on(self.call_msgpack(name, input))
    }

    /// Passes a value to an exported function as [postcard](https://postcard.jamesmunns.com), and reads its reply as that.
    ///
    /// Not for types that contain themselves, such as trees: postcard follows a reply as deep as the guest likes, and runs out
    /// of stack. Nor for sequences of values of no size, such as `Vec<()>`, of which a few bytes can claim any number. JSON and
    /// MessagePack stop at a depth of 128.
    ///
    /// # Errors
    /// As [`Module::call_bytes`]; or the value has no form in postcard, or the reply is not what it was to be.
    pub async fn call_postcard<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        self.call_as(Format::Postcard, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call_postcard`].
    pub fn call_postcard_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&self, name: &str, input: &I) -> Result<T, Error> {
        block_on(self.call_postcard(name, input))
    }

    async fn call_as<I: Serialize + ?Sized, T: DeserializeOwned>(&self, format: Format, name: &str, input: &I) -> Result<T, Error> {
        let reply = self.call_bytes(name, format.write(name, input)?).await?;
        format.read(name, &reply)
    }
}

/// The same calls, in this instance: what the guest keeps in its memory stays. An instance whose call does not reply is over.
impl Instance {
    /// As [`Module::call_bytes`].
    ///
    /// # Errors
    /// As [`Module::call_bytes`]; or the instance is over.
    pub async fn call_bytes(&mut self, name: &str, input: impl Into<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let call = exchange(self.module(), name, input.into())?;
        reply(name, self.perform(call).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call_bytes`].
    pub fn call_bytes_blocking(&mut self, name: &str, input: impl Into<Vec<u8>>) -> Result<Vec<u8>, Error> {
        block_on(self.call_bytes(name, input))
    }

    /// As [`Module::call_json`].
    ///
    /// # Errors
    /// As [`Module::call_json`]; or the instance is over.
    pub async fn call_json<I: Serialize + ?Sized, T: DeserializeOwned>(&mut self, name: &str, input: &I) -> Result<T, Error> {
        self.call_as(Format::Json, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call_json`].
    pub fn call_json_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&mut self, name: &str, input: &I) -> Result<T, Error> {
        block_on(self.call_json(name, input))
    }

    /// As [`Module::call_msgpack`].
    ///
    /// # Errors
    /// As [`Module::call_msgpack`]; or the instance is over.
    pub async fn call_msgpack<I: Serialize + ?Sized, T: DeserializeOwned>(&mut self, name: &str, input: &I) -> Result<T, Error> {
        self.call_as(Format::MessagePack, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call_msgpack`].
    pub fn call_msgpack_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&mut self, name: &str, input: &I) -> Result<T, Error> {
        block_on(self.call_msgpack(name, input))
    }

    /// As [`Module::call_postcard`].
    ///
    /// # Errors
    /// As [`Module::call_postcard`]; or the instance is over.
    pub async fn call_postcard<I: Serialize + ?Sized, T: DeserializeOwned>(&mut self, name: &str, input: &I) -> Result<T, Error> {
        self.call_as(Format::Postcard, name, input).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call_postcard`].
    pub fn call_postcard_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(
        &mut self,
        name: &str,
        input: &I,
    ) -> Result<T, Error> {
        block_on(self.call_postcard(name, input))
    }

    async fn call_as<I: Serialize + ?Sized, T: DeserializeOwned>(
        &mut self,
        format: Format,
        name: &str,
        input: &I,
    ) -> Result<T, Error> {
        let reply = self.call_bytes(name, format.write(name, input)?).await?;
        format.read(name, &reply)
    }
}

fn exchange(module: &Module, name: &str, input: Vec<u8>) -> Result<Call, Error> {
    let most = module.policy().limits.run.host_buffers.ceiling();
    Ok(Exchange::find(module.verified(), name)?.call(input, most)?)
}

/// What was replied, if anything was.
fn reply(name: &str, finished: Finished) -> Result<Vec<u8>, Error> {
    if !finished.outcome().is_success() {
        return Err(ended(name, finished));
    }
    finished.into_reply().map_err(|finished| ended(name, finished))
}
