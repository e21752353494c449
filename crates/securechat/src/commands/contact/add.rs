//! `contact add`: somebody is looked up in the directory, and the key that they published counts from now on.

use chat_core::{Client, ContactError, DirectoryError, Error, Fingerprint, Handle};

use super::{handle, show};
use crate::args::AddArgs;
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};

pub(super) async fn run(context: &Context, args: &AddArgs) -> Result<Exit, Failure> {
    let who = handle(&args.handle)?;
    let wanted = args.fingerprint.as_deref().map(parse_fingerprint).transpose()?;
    let (opened, console) = (context.open()?, context.console);
    if args.shared_key {
        if who == *opened.client.handle() {
            return Err(Error::from(DirectoryError::Own { handle: who }).into());
        }
        let contact = opened.client.use_shared_key(&who, true)?;
        show(console, &opened.client, &contact)?;
        console.note(&format!("{who} is written to under the shared key: no forward secrecy"));
        return Ok(Exit::Done);
    }
    let known = match opened.client.contact(&who) {
        Ok(contact) => contact.fingerprint,
        Err(Error::Contact(ContactError::Unknown { .. })) => None,
        Err(error) => return Err(error.into()),
    };
    let looked = look(context, &opened, &who, args).await;
    let contact = match (opened.client.add_contact(&who, wanted.as_ref()), looked) {
        // What nobody could look for is not known to be missing.
        (Err(Error::Directory(DirectoryError::NotPublished { .. })), Err(failure)) => {
            return Err(failure);
        }
        (added, looked) => {
            let added = added?;
            if let Err(failure) = looked {
                let reason = failure.message;
                console.warn(&format!("this is what was known before, as {reason}"));
            }
            added
        }
    };
    show(console, &opened.client, &contact)?;
    if contact.presented.is_some() {
        console.warn(&format!("another key counts for {who}: nothing is sent until you decide"));
    } else if known.is_none() {
        console.note(&format!(
            "nobody has compared this key yet: it may be anybody's who calls himself {who}"
        ));
    }
    console.note(&format!("compare it with them: securechat contact verify {who}"));
    Ok(Exit::Done)
}

/// Reads what is new about somebody.
async fn look(
    context: &Context,
    opened: &Opened,
    who: &Handle,
    args: &AddArgs,
) -> Result<(), Failure> {
    let client: Client = opened.connect(context.console)?;
    Ok(client.refresh(who, args.timeout).await?)
}

/// A fingerprint as `contact` and `identity show` print it; gaps do not count.
fn parse_fingerprint(text: &str) -> Result<Fingerprint, Failure> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.filter(|_| digits.len() == 64).map(Fingerprint::from_bytes).ok_or_else(|| {
        Failure::usage("a fingerprint has 64 hex digits, in any groups")
            .hint("they see theirs with: securechat identity show")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_taken_as_they_are_printed_and_in_no_other_form() {
        let print = Fingerprint::from_bytes(std::array::from_fn(|at| at as u8 * 7));
        for text in [print.to_string(), print.to_string().replace(' ', "").to_uppercase()] {
            assert_eq!(parse_fingerprint(&text).unwrap(), print);
        }
        let digits = print.to_string().replace(' ', "");
        for bad in ["", "00", &digits[1..], &format!("{digits}0"), &digits.replace('0', "g")] {
            assert!(parse_fingerprint(bad).is_err(), "{bad}");
        }
        assert!(parse_fingerprint(&digits.replacen("00", "+0", 1)).is_err());
    }
}
