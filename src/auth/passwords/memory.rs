//! The memory in which a thread computes its hashes. It is kept from one hash to the next: giving 19 MiB back to the system
//! and asking for them again would lock the address space of the whole process, each time, on a thread that the kernel may
//! put aside for long while it holds that lock. Does not know threads.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::password_hash::{self, Error};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Blocks of one KiB, as many as the largest hash so far needed.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// Hashes a password with a random salt into a PHC string.
    pub(super) fn hash(&mut self, password: &str, params: &Params) -> password_hash::Result<String> {
        let salt = Salt::generate();
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: params.try_into()?,
            salt: Some(salt),
            hash: Some(self.hash_with(password, params, &salt)?),
        };
        Ok(hash.to_string())
    }

    /// Hashes a password with a given salt.
    pub(super) fn hash_with(
        &mut self,
        password: &str,
        params: &Params,
        salt: &[u8],
    ) -> password_hash::Result<Output> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        self.derive(&argon2, password, salt)
    }

    /// Checks with the parameters that the hash was made with. Outputs are compared in constant time.
    pub(super) fn check(&mut self, password: &str, hash: &PasswordHash) -> password_hash::Result<bool> {
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(Error::EncodingInvalid);
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map(Version::try_from).transpose()?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), Params::try_from(hash)?);
        Ok(self.derive(&argon2, password, salt)? == *expected)
    }

    fn derive(&mut self, argon2: &Argon2<'_>, password: &str, salt: &[u8]) -> password_hash::Result<Output> {
        let params = argon2.params();
        if self.0.len() < params.block_count() {
            self.0.resize(params.block_count(), Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or(Error::OutputSize)?;
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut self.0)?;
        Ok(Output::new(output)?)
    }
}
