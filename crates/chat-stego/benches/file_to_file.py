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
            names = ("hide", "hide in memory", "reveal", "reveal in memory")
            times = {name: ([], []) for name in names}
            loaded = Image.open(cover)
            loaded.load()
            for _ in range(rounds):
                run = lambda *a: subprocess.run([program, *a], check=True)
                times["hide"][0].append(timed(lambda: run("hide", cover, text, ours)))
                times["hide"][1].append(timed(lambda: lsb.hide(cover, message).save(theirs)))
                # From pixels to pixels: stegano makes a copy of them, the codec writes into those that it has decoded.
                said = subprocess.run([program, "time", cover, text, "1"], check=True, capture_output=True)
                for name, seconds in zip(("hide in memory", "reveal in memory"), said.stdout.split()):
                    times[name][0].append(float(seconds))
                hidden, cover_pixels = [], loaded.copy()
                times["hide in memory"][1].append(timed(lambda: hidden.append(lsb.hide(cover_pixels, message))))
                times["reveal in memory"][1].append(timed(lambda: lsb.reveal(hidden[0])))
                times["reveal"][0].append(timed(lambda: run("reveal", theirs, out)))
                times["reveal"][1].append(timed(lambda: lsb.reveal(ours)))
            assert lsb.reveal(ours) == message and open(out).read() == message
            print(f"{size} bytes in {loaded.size[0]} x {loaded.size[1]}, median of {rounds}; "
                  f"files: ours {os.path.getsize(ours)}, stegano {os.path.getsize(theirs)} bytes")
            for what, (us, them) in times.items():
                us, them = statistics.median(us), statistics.median(them)
                print(f"  {what}: {us:.4f} s, stegano {them:.4f} s, {them / us:.1f}x")


main()
