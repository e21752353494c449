#!/usr/bin/env python3
"""Makes the vectors in this folder from docs/wire-format.md alone.

It shares no code with the crate: OpenSSL (package `cryptography`) does HKDF and AES-GCM, the
reference implementation (package `argon2-cffi`) does Argon2id. The vectors are frozen: running
this again must change nothing. `make.py --check` only compares.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HERE = pathlib.Path(__file__).parent
KEYS = [bytes(range(32)), hashlib.sha256(b"securechat test vector").digest()]


def hkdf(ikm, salt, info, length):
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(ikm)


def subkey(key, label):
    return hkdf(key, b"", b"securechat/v1/" + label.encode(), 32)


def lp(data):
    return len(data).to_bytes(2, "big") + data


def mailbox_tag(key, namespace, handle):
    message = lp(namespace.encode()) + lp(handle.encode())
    return hmac.new(subkey(key, "inbox-tag"), message, hashlib.sha256).digest()[:16]


def inner_len(protected):
    length = 4 + protected
    exponent = length.bit_length() - 1
    significant = exponent.bit_length()  # floor(log2 E) + 1
    step = 1 << max(0, exponent - significant)
    return max(256, (length + step - 1) // step * step)


def seal(key, namespace, kind, partition, tag, salt, inner):
    info = b"securechat/v1/envelope" + lp(namespace.encode()) + lp(kind.encode())
    info += partition.to_bytes(4, "big") + lp(tag)
    okm = hkdf(subkey(key, "envelope"), salt, info, 76)
    return salt + okm[44:] + AESGCM(okm[:32]).encrypt(okm[32:44], inner, b"")


def envelope(key, namespace, kind, partition, tag, salt, protection, content):
    protected = bytes([protection]) + content
    inner = len(protected).to_bytes(4, "big") + protected
    inner = inner.ljust(inner_len(len(protected)), b"\0")
    return seal(key, namespace, kind, partition, tag, salt, inner)


def key_file(key):
    key_id = hashlib.sha256(b"securechat/v1/key-id" + key).hexdigest()[:16]
    checksum = hashlib.sha256(b"securechat/v1/key-file" + key).hexdigest()[:8]
    text = (
        "-----BEGIN SECURECHAT NETWORK KEY-----\n"
        f"Version: 1\nKey-Id: {key_id}\n\n"
        f"{base64.b64encode(key).decode()}\n={checksum}\n"
        "-----END SECURECHAT NETWORK KEY-----\n"
    )
    return key_id, text


def vault(data_key, passphrase, cost, salt, nonce):
    if passphrase is None:
        checksum = hashlib.sha256(b"securechat-vault" + data_key).digest()[:4]
        return b"securechat-vault" + bytes([1, 0]) + data_key + checksum
    memory, passes, lanes = cost
    header = b"securechat-vault" + bytes([1, 1])
    header += b"".join(number.to_bytes(4, "big") for number in cost) + salt + nonce
    wrap = hash_secret_raw(passphrase.encode(), salt, passes, memory, lanes, 32, Type.ID)
    return header + AESGCM(wrap).encrypt(nonce, data_key, header)


def key_file_cases():
    labels = ["envelope", "directory-tag", "inbox-tag", "picture", "mls-psk"]
    for key in KEYS:
        key_id, text = key_file(key)
        yield {
            "key": key.hex(),
            "key_id": key_id,
            "key_file": text,
            "old_secret_key": base64.urlsafe_b64encode(key).decode(),
            "subkeys": {label: subkey(key, label).hex() for label in labels},
        }


def mailbox_tag_cases():
    for key in KEYS:
        for namespace, handle in [("securechat", "bob"), ("ops", "a.b-c_1"), ("x" * 64, "y" * 64)]:
            tag = mailbox_tag(key, namespace, handle)
            partitions = {n: int.from_bytes(tag[:8], "big") % n for n in (1, 3, 16, 4294967295)}
            yield {
                "key": key.hex(),
                "namespace": namespace,
                "handle": handle,
                "tag": tag.hex(),
                "partition_of": [[count, partition] for count, partition in partitions.items()],
            }


def picture_key_cases():
    for key in KEYS:
        tag = mailbox_tag(key, "securechat", "bob")
        partition = int.from_bytes(tag[:8], "big") % 16
        info = b"securechat/v1/picture-body" + lp(b"securechat") + lp(b"picture")
        info += partition.to_bytes(4, "big") + lp(tag)
        yield {
            "key": key.hex(),
            "namespace": "securechat",
            "partition": partition,
            "tag": tag.hex(),
            "picture_key": hkdf(subkey(key, "envelope"), b"", info, 32).hex(),
        }


def padding_cases():
    lengths = [0, 1, 251, 252, 253, 268, 269, 996, 997, 1019, 1020, 1021, 4095, 65535]
    lengths += [1048576 - 4, 1048576 - 3, 1048772, 16 * 1024 * 1024]
    for protected in lengths:
        yield {"protected": protected, "inner": inner_len(protected)}


def envelope_cases():
    salt = bytes(range(0xA0, 0xB8))
    bodies = [b"", b"hello", bytes(range(256)) * 2]
    for index, kind in enumerate(["mail", "picture", "directory"]):
        key, body = KEYS[index % 2], bodies[index]
        tag = mailbox_tag(key, "securechat", "bob")
        partition = int.from_bytes(tag[:8], "big") % 16
        sealed = envelope(key, "securechat", kind, partition, tag, salt, index + 1, body)
        yield {
            "key": key.hex(),
            "namespace": "securechat",
            "kind": kind,
            "partition": partition,
            "tag": tag.hex(),
            "salt": salt.hex(),
            "protection": index + 1,
            "content": body.hex(),
            "envelope": sealed.hex(),
        }


def malformed_envelope_cases():
    """Sealed by a holder of the key, and refused all the same."""
    tag = mailbox_tag(KEYS[0], "securechat", "bob")
    inners = {
        "the last byte of the padding is not zero": b"\0\0\0\2\1x".ljust(255, b"\0") + b"\1",
        "the first byte of the padding is not zero": b"\0\0\0\2\1x\1".ljust(256, b"\0"),
        "padded to the next size": b"\0\0\0\2\1x".ljust(272, b"\0"),
        "not padded at all": b"\0\0\1\0" + b"\1" * 256,
        "the length is beyond the end": b"\0\0\0\xfd\1x".ljust(256, b"\0"),
        "the length is the largest": b"\xff\xff\xff\xff\1x".ljust(256, b"\0"),
        "nothing, not even a protection id": b"\0" * 256,
    }
    for why, inner in inners.items():
        sealed = seal(KEYS[0], "securechat", "mail", 15, tag, b"\5" * 24, inner)
        yield {"why": why, "key": KEYS[0].hex(), "partition": 15, "tag": tag.hex(), "envelope": sealed.hex()}


def vault_cases():
    salt, nonce = bytes(range(0x10, 0x20)), bytes(range(0x20, 0x2C))
    passphrases = [(None, None), ("correct horse", [8, 1, 1]), ("päßwörd", [64, 2, 4])]
    passphrases.append(("the default cost", [65536, 3, 1]))
    for passphrase, cost in passphrases:
        data_key = KEYS[0]
        yield {
            "data_key": data_key.hex(),
            "passphrase": passphrase,
            "cost": cost,
            "salt": salt.hex(),
            "nonce": nonce.hex(),
            "file": vault(data_key, passphrase, cost, salt, nonce).hex(),
            "store_key": hkdf(data_key, b"", b"securechat/v1/vault/store", 32).hex(),
        }


def main():
    check = "--check" in sys.argv[1:]
    made = [key_file_cases, mailbox_tag_cases, padding_cases, envelope_cases, vault_cases]
    made += [malformed_envelope_cases, picture_key_cases]
    for cases in made:
        path = HERE / f"{cases.__name__.removesuffix('_cases')}.json"
        document = {
            "source": "tests/vectors/make.py, independent of the crate",
            "licence": "MIT, as the crate",
            "cases": list(cases()),
        }
        text = json.dumps(document, indent=1, ensure_ascii=True) + "\n"
        if not check:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path.name} is not what make.py makes")


main()
