#!/usr/bin/env python3
"""Makes the vectors of identities in this folder from docs/wire-format.md alone.

It shares no code with the crate: OpenSSL (package `cryptography`) does Ed25519, X25519, HKDF and
AES-GCM, `argon2-cffi` does Argon2id, `kyber-py` does ML-KEM-768; X-Wing and HPKE are written out
below. The vectors are frozen: running this again must change nothing. `make_identity.py --check`
only compares.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from kyber_py.ml_kem import ML_KEM_768

HERE = pathlib.Path(__file__).parent
NETWORK_KEY = bytes(range(32))
ALICE, BOB = bytes(range(0x40, 0x60)), hashlib.sha256(b"securechat bob").digest()
LAPTOP, PHONE = bytes(range(0x60, 0x80)), bytes(range(0x80, 0xA0))
LAPTOP_ID, PHONE_ID = bytes(range(0xA0, 0xB0)), bytes(range(0xB0, 0xC0))
NAMESPACE = "securechat"


def number(value, length):
    return value.to_bytes(length, "big")


def lp(data):
    data = data.encode() if isinstance(data, str) else data
    return number(len(data), 2) + data


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hkdf(ikm, info, length):
    return HKDF(algorithm=SHA256(), length=length, salt=b"", info=info).derive(ikm)


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signed_message(kind, namespace, conversation, protection, data):
    head = b"securechat/v1/" + kind.encode() + lp(namespace) + lp(conversation)
    return head + bytes([protection]) + data


def sign(seed, kind, data, namespace=NAMESPACE, conversation=b"", protection=0):
    message = signed_message(kind, namespace, conversation, protection, data)
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def pair(lower, higher):
    return b"\1" + lp(NAMESPACE) + lp(lower) + lp(higher)


def certificate(identity, handle, device_id, device, namespace=NAMESPACE):
    signed = b"\1" + lp(handle) + public(identity) + device_id + public(device)
    return signed + sign(identity, "device-certificate", signed, namespace)


def chain(identity, handle, changes, namespace=NAMESPACE):
    """All changes one behind the other, and the hash behind the last."""
    previous = sha256(b"securechat/v1/directory-start", lp(namespace), lp(handle), public(identity))
    encoded = b""
    for index, (kind, body) in enumerate(changes):
        change = bytes([kind]) + number(index, 4) + previous + lp(body)
        change += sign(identity, "directory-change", change, namespace)
        previous = sha256(b"securechat/v1/directory-change", change)
        encoded += change
    return encoded, previous


def entry(identity, handle, changes, inbox_key, valid_until, namespace=NAMESPACE):
    encoded, head = chain(identity, handle, changes, namespace)
    signed = b"\1" + lp(handle) + public(identity) + number(valid_until, 8) + lp(inbox_key)
    signed += number(len(changes), 4) + encoded
    return signed + sign(identity, "directory-entry", signed, namespace), head


def inbox_hash(key):
    return sha256(b"securechat/v1/inbox-key", key)


def key_package_record(identity, handle, device_id, device, made_at, key_package):
    signed = b"\1" + lp(handle) + public(identity) + device_id + number(made_at, 8)
    signed += number(len(key_package), 4) + key_package
    return signed + sign(device, "key-package", signed)


def xwing_public(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    ek, _ = ML_KEM_768._keygen_internal(expanded[:32], expanded[32:64])
    return ek + X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()


def xwing_encapsulate(key, randomness):
    pk_m, pk_x = key[:1184], key[1184:]
    ss_m, ct_m = ML_KEM_768._encaps_internal(pk_m, randomness[:32])
    ephemeral = X25519PrivateKey.from_private_bytes(randomness[32:])
    ct_x = ephemeral.public_key().public_bytes_raw()
    ss_x = ephemeral.exchange(X25519PublicKey.from_public_bytes(pk_x))
    secret = hashlib.sha3_256(ss_m + ss_x + ct_x + pk_x + rb"\.//^" + b"\\").digest()
    return secret, ct_m + ct_x


def hpke_seal(key, randomness, info, aad, plaintext):
    suite = b"HPKE" + number(0x647A, 2) + number(1, 2) + number(2, 2)

    def extract(salt, label, ikm):
        return hmac.new(salt, b"HPKE-v1" + suite + label + ikm, hashlib.sha256).digest()

    def expand(secret, label, context, length):
        full = number(length, 2) + b"HPKE-v1" + suite + label + context
        return HKDFExpand(algorithm=SHA256(), length=length, info=full).derive(secret)

    shared, enc = xwing_encapsulate(key, randomness)
    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    aead = AESGCM(expand(secret, b"key", context, 32))
    return enc + aead.encrypt(expand(secret, b"base_nonce", context, 12), plaintext, aad)


def slow_hash(identity, handle):
    digest = hashlib.sha512(b"securechat/v1/safety-number" + identity + lp(handle)).digest()
    for _ in range(5199):
        digest = hashlib.sha512(digest + identity).digest()
    return digest


def safety_number(one, other):
    halves = []
    for identity, handle in (one, other):
        digest = slow_hash(identity, handle)
        fives = [int.from_bytes(digest[at : at + 5], "big") % 100000 for at in range(0, 30, 5)]
        halves.append(" ".join(f"{five:05}" for five in fives))
    return " ".join(sorted(halves))


def emoji(one, other, nonces=b""):
    hashes = sorted(slow_hash(*party) for party in (one, other))
    bits = int.from_bytes(hkdf(b"".join(hashes), b"securechat/v1/emoji" + nonces, 6), "big") >> 6
    return [bits >> (36 - 6 * at) & 63 for at in range(7)]


def qr(one, other):
    sides = sorted((handle, identity) for identity, handle in (one, other))
    fields = b"".join(lp(handle) + identity for handle, identity in sides)
    text = base64.urlsafe_b64encode(fields + sha256(fields)[:4]).decode().rstrip("=")
    return "securechat-verify1:" + text


def identity_cases():
    for seed in (ALICE, BOB):
        fingerprint = sha256(b"securechat/v1/fingerprint", public(seed)).hex()
        yield {
            "seed": seed.hex(),
            "public": public(seed).hex(),
            "fingerprint": " ".join(fingerprint[at : at + 4] for at in range(0, 64, 4)),
        }


def signature_cases():
    kinds = ["device-certificate", "directory-change", "directory-entry", "key-package", "content"]
    kinds += ["invitation", "rejoin-request", "network-key", "rejoin-answer",
              "device-request", "device-answer"]
    for index, kind in enumerate(kinds):
        conversation = pair("alice", "bob") if index % 2 == 0 else b""
        protection = [0, 1, 2, 3][index % 4]
        data = bytes(range(7 * index))
        yield {
            "seed": ALICE.hex(),
            "kind": kind,
            "namespace": NAMESPACE,
            "conversation": conversation.hex(),
            "protection": protection,
            "bytes": data.hex(),
            "signature": sign(ALICE, kind, data, NAMESPACE, conversation, protection).hex(),
        }


def device_certificate_cases():
    for identity, handle, device_id, device, namespace in (
        (ALICE, "alice", LAPTOP_ID, LAPTOP, NAMESPACE),
        (BOB, "x" * 64, PHONE_ID, PHONE, "ops"),
    ):
        yield {
            "identity": identity.hex(),
            "handle": handle,
            "device_id": device_id.hex(),
            "device": device.hex(),
            "namespace": namespace,
            "certificate": certificate(identity, handle, device_id, device, namespace).hex(),
        }


def directory_entry_cases():
    laptop = certificate(ALICE, "alice", LAPTOP_ID, LAPTOP)
    phone = certificate(ALICE, "alice", PHONE_ID, PHONE)
    first_key, second_key = b"an opaque inbox key", bytes(range(256)) * 8
    changes = [(1, laptop), (3, inbox_hash(first_key)), (1, phone), (2, LAPTOP_ID)]
    changes.append((3, inbox_hash(second_key)))
    for count in (2, 3, 4, 5):
        key = second_key if count == 5 else first_key
        valid_until = 1_700_000_000_000 + count
        made, head = entry(ALICE, "alice", changes[:count], key, valid_until)
        devices = {2: [LAPTOP_ID], 3: [LAPTOP_ID, PHONE_ID]}.get(count, [PHONE_ID])
        yield {
            "identity": ALICE.hex(),
            "namespace": NAMESPACE,
            "laptop": laptop.hex(),
            "phone": phone.hex(),
            "inbox_key": key.hex(),
            "valid_until_ms": valid_until,
            "changes": count,
            "head": head.hex(),
            "devices": [device.hex() for device in devices],
            "entry": made.hex(),
        }


def directory_key_cases():
    key = hkdf(NETWORK_KEY, b"securechat/v1/directory-tag", 32)
    for identity, handle in ((ALICE, "alice"), (BOB, "alice"), (BOB, "bob")):
        names = lp(NAMESPACE) + lp(handle)
        tail = names + public(identity)

        def mac(message):
            return hmac.new(key, message, hashlib.sha256).digest()

        yield {
            "key": NETWORK_KEY.hex(),
            "namespace": NAMESPACE,
            "certificate": certificate(identity, handle, LAPTOP_ID, LAPTOP).hex(),
            "entry": mac(lp("entry") + tail)[:16].hex(),
            "key_package": mac(lp("keypackage") + tail + LAPTOP_ID)[:16].hex(),
            "partition_of": [[n, int.from_bytes(mac(names)[:8], "big") % n] for n in (1, 3, 16)],
        }


def key_package_record_cases():
    made, _ = entry(
        ALICE,
        "alice",
        [(1, certificate(ALICE, "alice", LAPTOP_ID, LAPTOP)), (3, inbox_hash(b"k"))],
        b"k",
        0,
    )
    for key_package in (b"\5", bytes(range(256)) * 256):
        made_at = 1_700_000_000_000
        record = key_package_record(ALICE, "alice", LAPTOP_ID, LAPTOP, made_at, key_package)
        yield {
            "entry": made.hex(),
            "namespace": NAMESPACE,
            "device": LAPTOP.hex(),
            "made_at_ms": made_at,
            "key_package_len": len(key_package),
            "key_package_sha256": sha256(key_package).hex(),
            "record_len": len(record),
            "record_sha256": sha256(record).hex(),
            "record": record.hex() if len(record) < 1000 else None,
        }


def safety_number_cases():
    for one, other in ((("alice", ALICE), ("bob", BOB)), (("bob", ALICE), ("bob", BOB))):
        parties = [(public(seed), handle) for handle, seed in (one, other)]
        first, second = bytes(range(32)), bytes(range(32, 64))
        yield {
            "one": [one[0], public(one[1]).hex()],
            "other": [other[0], public(other[1]).hex()],
            "number": safety_number(*parties),
            "emoji": emoji(*parties),
            "first_nonce": first.hex(),
            "second_nonce": second.hex(),
            "commitment": sha256(b"securechat/v1/emoji-commitment", first).hex(),
            "emoji_live": emoji(*parties, first + second),
            "qr": qr(*parties),
        }


def identity_backup_cases():
    data_key, salt, nonce = ALICE[::-1], bytes(range(0x10, 0x20)), bytes(range(0x20, 0x2C))
    for handle, passphrase, cost in (
        ("alice", "correct horse", [8, 1, 1]),
        ("y" * 64, "p\u00e4\u00dfw\u00f6rd", [64, 2, 4]),
        ("alice", "the default cost", [65536, 3, 1]),
    ):
        header = b"securechat-vault" + bytes([1, 1])
        header += b"".join(number(value, 4) for value in cost) + salt + nonce
        memory, passes, lanes = cost
        wrap = hash_secret_raw(passphrase.encode(), salt, passes, memory, lanes, 32, Type.ID)
        vault = header + AESGCM(wrap).encrypt(nonce, data_key, header)
        key = hkdf(data_key, b"securechat/v1/vault/identity-backup", 32)
        aad = b"securechat/v1/identity-backup"
        body = vault + AESGCM(key).encrypt(b"\0" * 12, lp(handle) + ALICE, aad)
        text = base64.b64encode(body).decode()
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        checksum = sha256(b"securechat/v1/identity-file", body).hex()[:8]
        lines = ["-----BEGIN SECURECHAT IDENTITY-----", "Version: 1", "", *lines, f"={checksum}"]
        lines += ["-----END SECURECHAT IDENTITY-----", ""]
        yield {
            "identity": ALICE.hex(),
            "handle": handle,
            "passphrase": passphrase,
            "cost": cost,
            "data_key": data_key.hex(),
            "salt": salt.hex(),
            "nonce": nonce.hex(),
            "file": "\n".join(lines),
        }


def signed_shared_key_cases():
    cert = certificate(ALICE, "alice", LAPTOP_ID, LAPTOP)
    for content in (b"", b"hello"):
        conversation = pair("alice", "bob")
        signature = sign(LAPTOP, "content", lp(cert) + content, NAMESPACE, conversation, 2)
        yield {
            "device": LAPTOP.hex(),
            "certificate": cert.hex(),
            "namespace": NAMESPACE,
            "conversation": conversation.hex(),
            "content": content.hex(),
            "body": (lp(cert) + signature + content).hex(),
        }


def inbox_key_cases():
    for seed, info, aad, plaintext in (
        (ALICE, b"", b"", b""),
        (BOB, b"invitation", b"aad", b"meet me at noon"),
    ):
        key, randomness = xwing_public(seed), hashlib.sha512(seed).digest()
        label = b"securechat/v1/inbox"
        yield {
            "seed": seed.hex(),
            "public": key.hex(),
            "randomness": randomness.hex(),
            "info": info.hex(),
            "aad": aad.hex(),
            "plaintext": plaintext.hex(),
            "sealed": hpke_seal(key, randomness, label + info, aad, plaintext).hex(),
        }


def main():
    check = "--check" in sys.argv[1:]
    made = [identity_cases, signature_cases, device_certificate_cases, directory_entry_cases]
    made += [directory_key_cases, key_package_record_cases, safety_number_cases]
    made += [identity_backup_cases, signed_shared_key_cases, inbox_key_cases]
    for cases in made:
        path = HERE / f"{cases.__name__.removesuffix('_cases')}.json"
        document = {
            "source": "tests/vectors/make_identity.py, independent of the crate",
            "licence": "MIT, as the crate",
            "cases": list(cases()),
        }
        text = json.dumps(document, indent=1, ensure_ascii=True) + "\n"
        if not check:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path.name} is not what make_identity.py makes")


main()
