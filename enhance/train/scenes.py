#!/usr/bin/python3
"""Renders the scenes that the networks of Fuse learn from, and encodes them as live streams.

    scenes.py DIR [EXPRESSION]

The pictures come from Debian packages, which are unpacked to DIR/packages, and are written and drawn here. In each scene a camera moves over
one of them, and in most something else happens: things cross the picture, leaves wave, light flickers. Everything is drawn at random, from
the name of the scene, so that a scene is the same each time. With EXPRESSION only those scenes are made whose names match it.

DIR/NAME.flv is the scene, without loss, or with what a camera loses: see FOOTAGE. DIR/NAME_KBIT.flv and DIR/NAME_KBIT_nSIGMA.flv are streams of it, the latter with noise,
as a live encoder sends them.
"""

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np

PACKAGES = ["mate-backgrounds", "plasma-workspace-wallpapers", "python3-skimage"]

MATE = "usr/share/backgrounds/mate/"
PLASMA = "usr/share/wallpapers/"
SKIMAGE = "usr/lib/python3/dist-packages/skimage/data/"
PICTURES = {
    **{p: MATE + f"nature/{p}.jpg" for p in ["Aqua", "Blinds", "Dune", "Garden", "GreenMeadow", "LadyBird", "RainDrops", "Storm",
                                             "TwoWings", "Wood", "YellowFlower"]},
    "Elephants": MATE + "abstract/Elephants_3840x2160.jpg",
    **{p: PLASMA + f"{p}/contents/images/2560x1600.jpg" for p in ["Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "EveningGlow",
                                                                  "FallenLeaf", "Grey", "Kite", "OneStandsOut", "Path"]},
    "Canopee": PLASMA + "Canopee/contents/images/3840x2160.png",
    "SafeLanding": PLASMA + "SafeLanding/contents/images/5120x2880.jpg",
    "Volna": PLASMA + "Volna/contents/images/5120x2880.jpg",
    **{Path(p).stem: SKIMAGE + p for p in ["astronaut.png", "coffee.png", "chelsea.png", "motorcycle_left.png", "brick.png", "grass.png",
                                           "gravel.png", "hubble_deep_field.jpg", "camera.png", "retina.jpg", "ihc.png"]},
    **dict.fromkeys(["page", "leaf", "letter", "poster"]),  # these are written below
    **dict.fromkeys(["clouds", "bricks", "stripes", "shapes", "wall", "tiles", "fence", "ripples", "cloth"]),  # these are drawn
}
LICENCES = Path("/usr/share/common-licenses")  # which each Debian has
TEXTS = {"page": ("GPL-3", 19), "leaf": ("Apache-2.0", 23), "letter": ("GPL-2", 28), "poster": ("MPL-2.0", 34)}  # and the size of letters
# What is written and drawn has hard edges and flat shades, repeats itself, and is cut from one picture to the next. There are no photographs
# like it. Errors in it are small, and easily seen, so it is encoded once more, with more bits, and without a camera's noise.
MOTIONS = {"page": ("hand", "things"), "leaf": ("still", "cut"), "letter": ("still", "cut"), "poster": ("still", "labels"),
           "bricks": ("pan", "cut"), "stripes": ("pan", "nothing"), "shapes": ("hand", "cut"), "wall": ("swing", "nothing"),
           "tiles": ("swing", "labels"), "fence": ("swing", "nothing"), "ripples": ("pan", "labels"), "cloth": ("swing", "nothing")}
AFTER = {"leaf": "poster", "letter": "page", "shapes": "page"}  # what is cut to; if nothing else, Garden

SIZES = [(960, 540), (1280, 720), (640, 360), (540, 960)]
TIMES = [(30, 60, 150), (25, 50, 125), (15, 30, 85), (30, 30, 95)]  # pictures a second, in a GOP, and in all
NOISES = [0, 0, 6, 0, 3, 0, 9]
EXTRAS = ["nothing", "things", "waves", "labels", "nothing", "flicker", "things", "leaves", "labels"]
# What makes footage of photographs: a lens or its opposite, grain of a standard deviation, and how well, as x264 counts it, the camera encoded
# what is streamed later: 0 is without loss. All that belongs to the scene.
FOOTAGE = [("null", 0, 0), ("gblur=sigma=0.7", 2, 21), ("unsharp=5:5:0.7", 3, 0), ("null", 1.5, 23), ("unsharp=3:3:1", 0, 20)]
RATES = [(0.02, 0.05), (0.05, 0.14), (0.14, 0.4)]  # bits a pixel; the last is for what is written and drawn
ENCODERS = [["-preset", "veryfast", "-tune", "zerolatency"]] * 3 + [["-preset", "veryfast", "-bf", "2"]]


def run(*args, **options):
    return subprocess.run(args, check=True, stdin=options.pop("stdin", subprocess.DEVNULL), **options)


def unpack(folder):
    """Unpacks the packages. Nothing is installed."""
    if folder.exists():
        return
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    run("apt-get", "download", "-qq", *PACKAGES, cwd=part)
    for package in part.glob("*.deb"):
        run("dpkg", "-x", package, part)
        package.unlink()
    part.rename(folder)


def picture(folder, name, width, height, lens="null"):
    """Reads a picture as an array of RGBA that covers width x height. It has twice their resolution, but no more detail, so that what is
    linear between its pixels does not blur."""
    grown = f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos,crop={width}:{height}"
    grown += f",{lens},scale={2 * width}:{2 * height}:flags=lanczos,format=rgba"
    if name in DRAWN:
        raw = np.clip(DRAWN[name](width, height), 0, 255).astype(np.uint8).tobytes()
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "pipe:0"]
    elif name in TEXTS:
        raw = None
        file, size = TEXTS[name]
        text = f"drawtext=expansion=none:textfile={LICENCES / file}:fontsize={size}:x=8:y=8:line_spacing=3"
        source = ["-f", "lavfi", "-i", f"color=0xf4f0e4:s={width}x{height},{text}"]
    else:
        raw = None
        source = ["-i", folder / PICTURES[name]]
    out = subprocess.run(["ffmpeg", "-v", "error", *source, "-frames:v", "1", "-vf", grown, "-f", "rawvideo", "pipe:1"],
                         check=True, input=raw, stdout=subprocess.PIPE).stdout
    return np.frombuffer(out, np.uint8).reshape(2 * height, 2 * width, 4).copy()


def clouds(width, height):
    rng = np.random.default_rng(1)
    scale = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]) + 1 / width
    planes = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) / scale**1.3, (height, width)) for _ in range(3)]
    shades = [planes[0] / planes[0].std() + 0.3 * p / p.std() for p in planes]
    return np.stack([128 + 50 * s for s in shades], -1)


def bricks(width, height):
    """A wall: each brick has a shade of its own, and mortar around it."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:height, :width]
    row = y // 18
    column = (x + row % 2 * 22) // 44
    shade = rng.normal(size=(height // 18 + 1, width // 44 + 2))[row, column]
    mortar = (y % 18 < 2) | ((x + row % 2 * 22) % 44 < 2)
    return np.where(mortar[..., None], (200, 195, 185), np.stack([150 + 20 * shade, 80 + 14 * shade, 60 + 12 * shade], -1))


def stripes(width, height):
    """Slanted stripes of several widths."""
    y, x = np.mgrid[:height, :width]
    size = 6 + 5 * (y * 6 // height)
    return np.where((((x + y // 3) // size) % 2 == 0)[..., None], (40, 50, 70), (215, 210, 200))


def shapes(width, height):
    """Discs and boxes of flat colour upon each other, some with letters' fine lines."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:height, :width]
    screen = np.full((height, width, 3), 128.0)
    for _ in range(120):
        at, size = rng.uniform(0, 1, 2) * (width, height), rng.uniform(0.02, 0.15, 2) * width
        u, v = (x - at[0]) / size[0], (y - at[1]) / size[1]
        inside = np.maximum(abs(u), abs(v)) < 1 if rng.random() < 0.5 else u * u + v * v < 1
        if rng.random() < 0.3:
            inside &= (x * 3 + y) % rng.integers(7, 15) < 4
        screen[inside] = rng.uniform(16, 235, 3)
    return screen


def repeated(seed):
    """Draws bricks that are all alike, of a size by chance, with soft edges and a little texture."""
    def draw(width, height):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width].astype(float)
        wide, high, mortar, soft = rng.uniform(20, 60), rng.uniform(10, 28), rng.uniform(0.5, 2), rng.uniform(0.5, 2)
        x += y // high % 2 * rng.choice([0, 0.5]) * wide
        inside = np.minimum(wide / 2 - abs(x % wide - wide / 2), high / 2 - abs(y % high - high / 2))
        inside = np.clip((inside - mortar) / soft, 0, 1)[..., None]
        texture = rng.uniform(0, 0.2) * (clouds(width, height) - 128)
        return rng.uniform(120, 230, 3) * (1 - inside) + rng.uniform(40, 160, 3) * inside + texture
    return draw


def sines(seed):
    """Draws slanted lines without edges."""
    def draw(width, height):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width]
        angle, length = rng.uniform(0, np.pi), rng.uniform(8, 24)
        wave = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / length)
        return rng.uniform(90, 160, 3) + rng.uniform(20, 60) * wave[..., None]
    return draw


DRAWN = {"clouds": clouds, "bricks": bricks, "stripes": stripes, "shapes": shapes, "wall": repeated(4), "tiles": repeated(5),
         "fence": repeated(6), "ripples": sines(7), "cloth": sines(8)}


def sample(source, x, y):
    """Reads an RGBA picture between its pixels."""
    h, w = source.shape[:2]
    x, y = np.clip(x, 0, w - 1.01), np.clip(y, 0, h - 1.01)
    left, top = x.astype(np.int32), y.astype(np.int32)
    x, y = (x - left)[..., None], (y - top)[..., None]
    at = top * w + left
    pixels = source.view(np.uint32).reshape(-1)
    get = lambda i: pixels[i].view(np.uint8).reshape(*at.shape, 4).astype(np.float32)
    above = get(at) + x * (get(at + 1) - get(at))
    below = get(at + w) + x * (get(at + w + 1) - get(at + w))
    return above + y * (below - above)


def wobble(rng, times, size, slowest=0.2, fastest=1.5):
    """A smooth random path: a few sines of time, in seconds."""
    path = np.zeros(len(times))
    for _ in range(4):
        path += rng.normal() * np.sin(2 * np.pi * rng.uniform(slowest, fastest) * times + rng.uniform(0, 7))
    return size / 2 * path


class Camera:
    """Where a camera looks: a place in the picture, a zoom, an angle."""

    MOVES = ["pan", "hand", "zoom", "turn", "shake", "still", "hand"]

    def __init__(self, rng, move, times, width, height):
        n = len(times)
        self.x, self.y, self.zoom, self.angle = np.zeros(n), np.zeros(n), np.ones(n), np.zeros(n)
        way = (times / times[-1] - 0.5) * rng.choice([-1, 1])
        if move == "pan":
            self.x += way * width * rng.uniform(0.05, 0.3)
            self.y += way * height * rng.uniform(-0.1, 0.1)
        if move == "swing":
            beat = 2 * np.pi / rng.uniform(2, 6)
            self.x += 0.1 * width * np.sin(beat * times)
            self.y += 0.03 * height * np.sin(0.7 * beat * times)
        if move == "zoom":
            self.zoom *= np.exp(way * rng.uniform(0.1, 0.4))
        if move == "turn":
            self.angle += way * rng.uniform(0.05, 0.25)
        if move != "still":
            small = {"hand": 12, "shake": 6}.get(move, 2)  # pixels
            fast = 6 if move == "shake" else 1.5
            self.x += wobble(rng, times, small, fastest=fast)
            self.y += wobble(rng, times, small, fastest=fast)
            self.angle += wobble(rng, times, small / width, fastest=fast)

    def see(self, i, x, y):
        """Maps places of the screen, from its middle, to places of the picture, from its middle."""
        c, s = np.cos(self.angle[i]) / self.zoom[i], np.sin(self.angle[i]) / self.zoom[i]
        return c * x - s * y + self.x[i], s * x + c * y + self.y[i]


class Thing:
    """A piece of another picture that crosses the screen."""

    def __init__(self, rng, source, times, width, height):
        self.size = int(min(width, height) * rng.uniform(0.2, 0.5))
        n = 2 * self.size
        top, left = rng.integers(0, source.shape[0] - n), rng.integers(0, source.shape[1] - n)
        self.source = source[top:top + n, left:left + n].copy()
        v, u = (np.mgrid[:n, :n] - n / 2) / (n / 2)
        angle = np.arctan2(v, u)
        edge = 0.75 + 0.12 * np.sin(3 * angle + rng.uniform(0, 7)) + 0.08 * np.sin(7 * angle + rng.uniform(0, 7))
        self.source[..., 3] = np.clip((edge - np.hypot(u, v)) * n / 4, 0, 1) * 255
        speed = rng.uniform(20, 250, 2) * rng.choice([-1, 1], 2)  # pixels a second
        at = rng.uniform(0.2, 0.8, 2) * (width, height)
        self.x = at[0] + (times - times[-1] / 2) * speed[0] + wobble(rng, times, 20)
        self.y = at[1] + (times - times[-1] / 2) * speed[1] * 0.5 + wobble(rng, times, 20)
        self.angle = wobble(rng, times, 0.15)

    def draw(self, screen, i):
        h, w = screen.shape[:2]
        half = self.size // 2
        x0, y0 = max(0, int(self.x[i]) - half), max(0, int(self.y[i]) - half)
        x1, y1 = min(w, int(self.x[i]) + half), min(h, int(self.y[i]) + half)
        if x0 >= x1 or y0 >= y1:
            return
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        x, y = x - np.float32(self.x[i]), y - np.float32(self.y[i])
        c, s = np.float32(2 * np.cos(self.angle[i])), np.float32(2 * np.sin(self.angle[i]))
        piece = sample(self.source, c * x - s * y + self.size, s * x + c * y + self.size)
        alpha = piece[..., 3:] / 255
        part = screen[y0:y1, x0:x1]
        part += alpha * (piece[..., :3] - part)


class Label:
    """A box that stands still on the screen. What it shows of another picture changes now and then, or scrolls, and at times it is gone."""

    def __init__(self, rng, source, count, width, height):
        w, h = int(width * rng.uniform(0.1, 0.4)), int(height * rng.uniform(0.05, 0.25))
        source = source[::2, ::2, :3] if rng.random() < 0.5 else 255 - source[::2, ::2, :3]
        x, y = rng.integers(0, width - w), rng.integers(0, height - h)
        self.place = slice(y, y + h), slice(x, x + w)
        self.every = rng.choice([1, 3, 12, 25, count])  # pictures
        times = count // self.every + 1
        tops = rng.integers(0, height - h, times)
        if rng.random() < 0.4:
            tops = (tops[0] + 22 * np.arange(times)) % (height - h)
        left = rng.integers(0, (width - w) // 2)  # where text is
        self.shown = [source[top:top + h, left:left + w] if rng.random() < 0.9 else None for top in tops]

    def draw(self, screen, i):
        piece = self.shown[i // self.every]
        if piece is not None:
            screen[self.place] = piece


class Waves:
    """Moves parts of a picture to and fro: the whole of it slowly, or, as leaves in wind, each quickly and on its own."""

    def __init__(self, rng, leaves, width):
        length = (12, 60) if leaves else (80, 400)  # pixels
        size = 1.0 if leaves else 4.0
        beat = (1, 4) if leaves else (0.2, 1)  # a second
        self.parts = [(rng.normal(0, size, 2), rng.normal(0, 1, 2) * 2 * np.pi / rng.uniform(*length), 2 * np.pi * rng.uniform(*beat),
                       rng.uniform(0, 7)) for _ in range(8 if leaves else 3)]

    def move(self, x, y, time):
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for size, wave, beat, begin in self.parts:
            phase = np.sin(np.float32(wave[0]) * x + np.float32(wave[1]) * y + np.float32(beat * time + begin))
            dx, dy = dx + np.float32(size[0]) * phase, dy + np.float32(size[1]) * phase
        return x + dx, y + dy


def footage(number, name):
    return FOOTAGE[0] if name in MOTIONS else FOOTAGE[number % len(FOOTAGE)]


def render(folder, number, name, pipe):
    """Writes the pictures of a scene to a pipe, as RGB."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    (width, height), (rate, _, count) = SIZES[number % len(SIZES)], TIMES[(number // 2) % len(TIMES)]
    extra, move = EXTRAS[number % len(EXTRAS)], Camera.MOVES[(number // 3) % len(Camera.MOVES)]
    move, extra = MOTIONS.get(name, (move, extra))
    times = np.arange(count) / rate
    wide, high = width * 5 // 4, height * 5 // 4
    lens, grain, _ = footage(number, name)
    source = picture(folder, name, wide, high, lens)
    camera = Camera(rng, move, times, width, height)
    names = list(PICTURES)
    things, waves, light = [], None, np.ones(count)  # things are drawn upon the picture
    if extra == "things":
        for i in range(4):
            other = picture(folder, names[(number + 1 + 5 * i) % len(names)], width, height, lens)
            things.append(Thing(rng, other, times, width, height))
    if extra == "labels":
        for other in ["page", "leaf", "poster", "shapes"]:
            things.append(Label(rng, picture(folder, other, width, height), count, width, height))
    if extra in ("waves", "leaves"):
        waves = Waves(rng, extra == "leaves", width)
    after = picture(folder, AFTER.get(name, "Garden"), wide, high, lens) if extra == "cut" else source
    if extra == "flicker":
        light += wobble(rng, times, 0.08, fastest=8)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - np.float32(width / 2), y - np.float32(height / 2)
    for i in range(count):
        u, v = camera.see(i, x, y)
        u, v = u.astype(np.float32), v.astype(np.float32)
        if waves:
            u, v = waves.move(u, v, times[i])
        screen = sample(source if i < count * 5 // 8 else after, 2 * u + wide, 2 * v + high)[..., :3]
        for t in things:
            t.draw(screen, i)
        screen = np.float32(light[i]) * screen + np.float32(grain) * rng.standard_normal((height, width, 1), np.float32)
        pipe.write(np.clip(screen + 0.5, 0, 255).astype(np.uint8).tobytes())


def encode(scene, directory, number, name, rng):
    """Encodes a scene as streams of several rates."""
    (width, height), (rate, gop, _) = SIZES[number % len(SIZES)], TIMES[(number // 2) % len(TIMES)]
    noise = NOISES[number % len(NOISES)]
    for low, high in RATES if name in MOTIONS else RATES[:2]:
        kbit = int(np.exp(rng.uniform(np.log(low), np.log(high))) * width * height * rate / 1000)
        sigma, noise = 0 if name in MOTIONS else noise, NOISES[(number + 3) % len(NOISES)]
        to, filters = f"{name}_{kbit}", "null"
        if sigma:
            # FFmpeg's strength of noise is 1.7 times its standard deviation.
            to, filters = f"{to}_n{sigma}", f"noise=c0s={round(1.7 * sigma)}:c0f=t:c1s={round(0.8 * sigma)}:c1f=t:c2s={round(0.8 * sigma)}:c2f=t"
        run("ffmpeg", "-v", "error", "-y", "-i", scene, "-vf", filters, "-c:v", "libx264",
            *ENCODERS[number % len(ENCODERS)], "-g", str(gop), "-sc_threshold", "0", "-threads", "1",
            "-b:v", f"{kbit}k", "-maxrate", f"{kbit}k", "-bufsize", f"{kbit}k", directory / f"{to}.flv")
        print(f"{to}: {width}x{height}, {rate} pictures a second, GOPs of {gop}", flush=True)


def main():
    directory, only = Path(sys.argv[1]), re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    unpack(directory / "packages")
    for number, name in enumerate(PICTURES):
        whole = directory / f"{name}.flv"
        if not only.search(name) or whole.exists():
            continue
        (width, height), (rate, gop, _) = SIZES[number % len(SIZES)], TIMES[(number // 2) % len(TIMES)]
        part = directory / f"{name}.part"
        tags = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
        with subprocess.Popen(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate),
                               "-i", "pipe:0", "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+bicubic,format=yuv420p",
                               "-c:v", "libx264", "-preset", "veryfast", "-bf", "0",
                               "-crf", str(footage(number, name)[2]), "-g", str(gop), "-sc_threshold", "0",
                               "-threads", "1", *tags, "-f", "flv", part],
                              stdin=subprocess.PIPE) as encoder:
            render(directory / "packages", number, name, encoder.stdin)
            encoder.stdin.close()
            if encoder.wait() != 0:
                sys.exit(f"{name}: ffmpeg failed")
        encode(part, directory, number, name, np.random.default_rng(zlib.crc32(b"rate of " + name.encode())))
        os.replace(part, whole)  # at last: a scene that is there has all its streams


if __name__ == "__main__":
    main()
