"""Times lsb_file and Python stegano file to file, interleaved, on one PNG cover.

    cargo build --release -p chat-stego --example lsb_file
    PYTHON_WITH_STEGANO crates/chat-stego/benches/file_to_file.py LSB_FILE COVER.png [ROUNDS]

stegano runs inside this process, so its start is not counted; lsb_file is a process of its own,
so its start is.
"""
import os, statistics, subprocess, sys, tempfile, time
from PIL import Image
from stegano import lsb


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main():
    program, cover = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as folder:
        text, ours, theirs, out = (os.path.join(folder, n) for n in ("t", "o.png", "p.png", "r"))
        for size in (200, 100_000):
            message = ("securechat" * size)[:size]
            with open(text, "w") as file:
                file.write(message)
            times = {"hide": ([], []), "hide in memory": ([], []), "reveal": ([], [])}
            loaded = Image.open(cover)
            loaded.load()
            for _ in range(rounds):
                run = lambda *a: subprocess.run([program, *a], check=True)
                times["hide"][0].append(timed(lambda: run("hide", cover, text, ours)))
                times["hide"][1].append(timed(lambda: lsb.hide(cover, message).save(theirs)))
                times["hide in memory"][1].append(timed(lambda: lsb.hide(loaded.copy(), message)))
                times["reveal"][0].append(timed(lambda: run("reveal", theirs, out)))
                times["reveal"][1].append(timed(lambda: lsb.reveal(ours)))
            assert lsb.reveal(ours) == message and open(out).read() == message
            print(f"{size} bytes in {loaded.size[0]} x {loaded.size[1]}, median of {rounds}; "
                  f"files: ours {os.path.getsize(ours)}, stegano {os.path.getsize(theirs)} bytes")
            for what, (us, them) in times.items():
                them = statistics.median(them)
                if us:
                    us = statistics.median(us)
                    print(f"  {what}: {us:.4f} s, stegano {them:.4f} s, {them / us:.1f}x")
                else:
                    print(f"  {what}: stegano {them:.4f} s")


main()
